"""Stand-in for Pulumi's `kubernetes` provider plugin (answers as v4.34.2), for the local cloud only.

Every kind goes one generic way: discovery, server-side apply, readiness, delete and wait. What the official provider
does was read in its source (https://github.com/pulumi/pulumi-kubernetes, provider/pkg); where this one differs, the
module that differs says so. Left out: client-side apply, YAML render mode, Helm (charts are recorded, not installed)
and kustomize.
"""
