"""One AWS API for these tests, and provider plugins in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import ports
from tests.sandbox.providers.aws.api import Api, running_api
from tests.sandbox.providers.aws.plugin import Plugin


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and "api" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.sandbox)


@pytest.fixture(scope="session")
def daemon() -> Iterator[Api]:
    with running_api(ports.block()) as api:
        yield api


@pytest.fixture
def api(daemon: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The AWS API, without faults; the environment of this process points to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", daemon.url)
    monkeypatch.setenv("AIDC_AWS_BACKOFF", "0.001")
    monkeypatch.delenv("AWS_REGION", raising=False)
    daemon.heal()
    daemon.calls()
    yield daemon
    daemon.heal()


@pytest.fixture
def provider(api: Api) -> Iterator[Callable[..., Plugin]]:
    """Makes configured providers: `provider(region="us-east-1", defaultTags={...})`."""
    made: list[Plugin] = []

    def make(**settings: Any) -> Plugin:
        plugin = Plugin()
        made.append(plugin)
        plugin.configure({"region": "us-east-1"} | settings)
        return plugin

    yield make
    for plugin in made:
        plugin.stop()


@pytest.fixture
def plugin(provider: Callable[..., Plugin]) -> Plugin:
    return provider()
