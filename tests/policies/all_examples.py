"""The examples of all rules."""

from __future__ import annotations

from tests.policies import examples
from tests.policies.examples import Example, Thing
from tests.policies.examples_cluster import CLUSTERS
from tests.policies.examples_services import SERVICES

EXAMPLES: dict[str, Example] = {**examples.EXAMPLES, **SERVICES, **CLUSTERS}

__all__ = ["EXAMPLES", "Example", "Thing"]
