"""Settings of every property test.

The examples are the same in each run: a change is judged by what it changes, not by what chance turns up that day.
`pytest --hypothesis-profile=explore` looks for new ones.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

BUSY = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
"""A busy machine is slow, not wrong."""

settings.register_profile("tests", derandomize=True, database=None, **BUSY)
settings.register_profile("explore", derandomize=False, **BUSY)
settings.load_profile("tests")
