"""What each resource type costs: one module a service family, one small function a resource type.

A function takes a `Subject` (a resource with its usage) and yields what it costs: charges, gaps with their reason,
machines. Quantities and conventions are here; prices come from the catalog.
"""
