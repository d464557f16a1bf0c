"""Tokens of recorded clusters: whom they stand for, and when they are not accepted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.gcp import tokens
from sandbox.gcp.store import Store
from sandbox.settings import Settings
from tests.sandbox.kubernetes.recorded import cluster

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(tmp_path, tmp_path / "cache", 20000)
    found.pki.mkdir()
    (found.pki / "sa.key").write_text("a key")
    Store.of(found).add(cluster())
    return found


def issued(settings: Settings) -> str:
    return tokens.issue(settings, NOW)["status"]["token"]


def test_a_token_stands_for_the_owner_of_the_project(settings: Settings) -> None:
    user = tokens.identify(settings, issued(settings), NOW)
    assert user["username"] == "owner@aidc-local.iam.gserviceaccount.com"
    assert "system:masters" in user["groups"]


def test_a_token_lasts_for_an_hour(settings: Settings) -> None:
    assert tokens.issue(settings, NOW)["status"]["expirationTimestamp"] == "2026-11-22T13:00:00Z"
    tokens.identify(settings, issued(settings), NOW + timedelta(minutes=59))
    with pytest.raises(tokens.Denied, match="expired"):
        tokens.identify(settings, issued(settings), NOW + timedelta(minutes=61))


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1] + "x", lambda token: f"{tokens.PREFIX}e30=.", lambda _: "ya29."]
)
def test_a_token_of_somebody_else_is_denied(settings: Settings, change: Callable[[str], str]) -> None:
    with pytest.raises(tokens.Denied, match="was not issued by this sandbox"):
        tokens.identify(settings, change(issued(settings)), NOW)


def test_without_a_cluster_there_is_nothing_to_sign_in_to(settings: Settings) -> None:
    Store.of(settings).remove(tokens.CLUSTER, cluster().id)
    with pytest.raises(tokens.Denied, match="no cluster is recorded"):
        tokens.identify(settings, issued(settings), NOW)
