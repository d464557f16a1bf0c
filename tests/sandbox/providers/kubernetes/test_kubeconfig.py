"""Kubeconfigs and credentials."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.providers.kubernetes import kubeconfig
from sandbox.providers.protocol import Fail


def document(server: str = "https://127.0.0.1:6443", **user: object) -> dict:
    return {
        "current-context": "x",
        "contexts": [
            {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "team"}},
            {"name": "y", "context": {"cluster": "c", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user or {"token": "t"}}],
    }


def test_a_kubeconfig_may_be_text_or_a_path_or_an_object(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(document()), encoding="utf-8")
    for given in (json.dumps(document()), yaml.safe_dump(document()), str(path), document()):
        config = kubeconfig.load(given)
        assert (config.server, config.namespace, config.context) == ("https://127.0.0.1:6443", "team", "x")


def test_context_and_cluster_of_the_provider_win() -> None:
    two = document()
    two["clusters"].append({"name": "d", "cluster": {"server": "https://localhost:7"}})
    assert kubeconfig.load(two, "y").namespace == "default"
    assert kubeconfig.load(two, "y", "d").server == "https://localhost:7"
    assert two == document() | {"clusters": two["clusters"]}, "the given document is left as it was"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nonsense", "has no clusters"),
        ("a: [", "not valid YAML"),
        (document() | {"current-context": "z"}, "has no context 'z'; it has: x, y"),
        (document("https://10.0.0.1"), "https://10.0.0.1 is not on this machine"),
        (document(""), r"\(no server\) is not on this machine"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_one_line(given: object, says: str) -> None:
    with pytest.raises(Fail, match=says) as caught:
        kubeconfig.load(given)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("server", "local"),
    [
        ("https://127.0.0.1:6443", True),
        ("https://127.8.8.8", True),
        ("https://[::1]:6443", True),
        ("http://localhost:80", True),
        ("https://api.localhost", True),
        ("127.0.0.1:6443", True),
        ("https://0.0.0.0:6443", False),
        ("https://127.0.0.1.example.com", False),
        ("https://localhost.example.com", False),
        ("https://user@example.com:1", False),
        ("https://127.0.0.1@example.com", False),
        ("https://192.168.0.1", False),
        ("https://[bad", False),
        ("", False),
    ],
)
def test_only_loopback_counts_as_this_machine(server: str, local: bool) -> None:
    assert kubeconfig.on_loopback(server) is local


def test_kubeconfigs_of_the_environment_are_merged_and_the_first_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text(yaml.safe_dump(document("https://127.0.0.1:1")), encoding="utf-8")
    other = document("https://127.0.0.1:2")
    other["users"].append({"name": "extra", "user": {}})
    second.write_text(yaml.safe_dump(other), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}:{tmp_path / 'missing'}")
    merged = kubeconfig.ambient()
    assert merged is not None
    assert kubeconfig.load(merged).server == "https://127.0.0.1:1"
    assert [one["name"] for one in merged["users"]] == ["u", "extra"]


def test_without_a_kubeconfig_in_the_environment_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "missing"))
    assert kubeconfig.ambient() is None


def plugin(folder: Path, expiry: datetime | None, fails: str = "") -> dict:
    """A credential command that counts its calls in a file and returns that count as its token."""
    counter = folder / "calls"
    status = {"token": "@"} | ({"expirationTimestamp": expiry.strftime("%Y-%m-%dT%H:%M:%SZ")} if expiry else {})
    answer = {"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "status": status}
    script = folder / "credential"
    script.write_text(
        f"#!/bin/sh\necho x >> {counter}\n"
        + (
            f"echo '{fails}' >&2; exit 3\n"
            if fails
            else f"n=$(wc -l < {counter}); echo '{json.dumps(answer)}' | sed s/@/$n/\n"
        ),
        encoding="utf-8",
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": str(script), "args": []}


def credentials(exec_: dict) -> kubeconfig.Credentials:
    return kubeconfig.Credentials(kubeconfig.load(document(exec=exec_)))


def test_the_token_of_a_credential_command_is_fetched_once_even_by_many_threads(tmp_path: Path) -> None:
    own = credentials(plugin(tmp_path, datetime.now(UTC) + timedelta(minutes=14)))
    with ThreadPoolExecutor(8) as pool:
        headers = set(pool.map(lambda _: own.header(), range(32)))
    assert headers == {"Bearer 1"}


def test_a_token_that_is_about_to_expire_is_fetched_again(tmp_path: Path) -> None:
    own = credentials(plugin(tmp_path, datetime.now(UTC) + timedelta(seconds=30)))
    assert [own.header(), own.header()] == ["Bearer 1", "Bearer 2"]


def test_a_token_without_an_expiry_is_kept_until_it_is_refused(tmp_path: Path) -> None:
    own = credentials(plugin(tmp_path, None))
    first = own.header()
    assert own.header() == first
    assert own.refused(first)
    second = own.header()
    assert second == "Bearer 2"
    assert own.refused(first), "a thread that used the old token tries the new one"
    assert not own.refused(second), "a fresh token that is refused is final"
    own.accepted()
    assert own.refused(second)


def test_a_credential_command_that_fails_is_one_line_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(Fail, match=r"credential` failed: exec: process returned 3\. no such cluster"):
        credentials(plugin(tmp_path, None, "no such cluster")).header()
    with pytest.raises(Fail, match="credential command `no-such-command-here` failed"):
        credentials({"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "no-such-command-here"}).header()


def test_tokens_passwords_and_client_certificates_need_no_command() -> None:
    def header(**user: Any) -> str | None:
        return kubeconfig.Credentials(kubeconfig.load(document(**user))).header()

    assert header(token="abc") == "Bearer abc"
    assert (header(username="a", password="b") or "").startswith("Basic ")
    assert header(other=1) is None
