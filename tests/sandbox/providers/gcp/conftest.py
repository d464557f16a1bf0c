"""A recorded Google Cloud in a folder of its own, and provider plugins in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.gcp.store import Store
from sandbox.providers.gcp.provider import Gcp
from sandbox.settings import Settings
from tests.sandbox.providers.aws.plugin import Plugin


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(tmp_path / "state", tmp_path / "cache", 20000)
    found.pki.mkdir(parents=True)
    (found.pki / "ca.crt").write_text("an authority")
    return found


@pytest.fixture
def store(settings: Settings) -> Store:
    return Store.of(settings)


@pytest.fixture
def provider(settings: Settings) -> Iterator[Callable[..., Plugin]]:
    """Makes configured providers: `provider(region="us-central1", defaultLabels={...})`."""
    made: list[Plugin] = []

    def make(**more: Any) -> Plugin:
        plugin = Plugin(Gcp(settings))
        made.append(plugin)
        plugin.configure({"project": "aidc-local", "region": "us-central1"} | more)
        return plugin

    yield make
    for plugin in made:
        plugin.stop()


@pytest.fixture
def plugin(provider: Callable[..., Plugin]) -> Plugin:
    return provider()
