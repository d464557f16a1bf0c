"""For every rule a stack that breaks it and one that does not: documentation, and what the tests run.

The pack that the engine loads does not import them.
"""

from __future__ import annotations

from policies.examples import aws
from policies.examples.cluster import CLUSTERS
from policies.examples.google import GOOGLE
from policies.examples.model import Example, Thing
from policies.examples.services import SERVICES

EXAMPLES: dict[str, Example] = {**aws.EXAMPLES, **SERVICES, **CLUSTERS, **GOOGLE}

__all__ = ["EXAMPLES", "Example", "Thing"]
