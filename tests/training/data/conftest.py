"""Settings of the properties below."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("training", deadline=None)  # a busy machine is slow, not wrong
settings.load_profile("training")
