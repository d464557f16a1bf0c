"""A stack as data before it exists.

One shape, two loaders: `plan.offline.run` evaluates the program without an engine, `plan.document.load` reads what
`pulumi preview --json` or `pulumi stack export` printed. Tests, cost, policies and differences all read this shape.
Importing this package does not import Pulumi.
"""

from plan.model import SECRET, UNKNOWN, Plan, PlanError, Resource, Unknown, contains_unknown

__all__ = ["SECRET", "UNKNOWN", "Plan", "PlanError", "Resource", "Unknown", "contains_unknown"]
