"""The provider works on the local cloud only, and only for accounts that the stack allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pulumi.runtime.proto import provider_pb2

from sandbox.providers import wire
from sandbox.providers.aws import configuration
from sandbox.providers.protocol import Fail
from tests.sandbox.providers.aws.plugin import Plugin, Refused


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:16447", "http://localhost:1", "http://[::1]:1", "http://127.9.9.9"])
def test_an_endpoint_on_this_machine_is_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    assert configuration.load({"region": "us-east-1"}).endpoint == url


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://ec2.us-east-1.amazonaws.com",
        "http://10.0.0.1:80",
        "http://localhost.example.com",
        "127.0.0.1",
    ],
)
def test_any_other_endpoint_is_refused_in_one_line(url: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    if url is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    plugin = Plugin()
    try:
        with pytest.raises(
            Refused, match=r"FAILED_PRECONDITION: aws provider: AWS_ENDPOINT_URL .*official plugin"
        ) as caught:
            plugin.configure({"region": "us-east-1"})
        assert "\n" not in caught.value.details
    finally:
        plugin.stop()


def check(**args: Any) -> dict[str, str]:
    return {one.property: one.reason for one in configuration.problems(args)}


def test_a_missing_region_and_settings_for_the_real_cloud_are_named_before_anything_runs() -> None:
    found = check(assumeRoles='[{"roleArn": "a"}]', endpoints='[{"s3": "x"}]', maxRetries="3", version="7.51.1")
    assert set(found) == {"region", "assumeRoles", "endpoints"}
    assert "set aws:region" in found["region"]
    assert check(region="us-east-1", defaultTags='{"tags": {}}', endpoints="[]", assumeRoles=wire.UNKNOWN) == {}
    assert set(check(region="us-east-1", defaultTags="tags")) == {"defaultTags"}


def test_the_region_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert check() == {}
    assert configuration.load({}).region == "eu-west-1"


def test_settings_arrive_as_json_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    loaded = configuration.load(
        {"region": "us-east-1", "defaultTags": '{"tags": {"a": 1}}', "allowedAccountIds": '["123456789012"]'}
    )
    assert loaded.default_tags == {"a": "1"}
    assert loaded.allowed_accounts == ("123456789012",)


def test_an_account_that_is_not_allowed_is_refused_when_the_provider_is_configured(
    provider: Callable[..., Plugin],
) -> None:
    provider(allowedAccountIds=["123456789012"])
    with pytest.raises(Refused) as caught:
        provider(allowedAccountIds=["111122223333", "444455556666"])
    assert caught.value.code.name == "PERMISSION_DENIED"
    expected = (
        "the credentials belong to account 123456789012, but aws:allowedAccountIds allows 111122223333, 444455556666"
    )
    assert expected in caught.value.details
    with pytest.raises(Refused, match="forbiddenAccountIds"):
        provider(forbiddenAccountIds=["123456789012"])


def test_an_api_that_does_not_answer_is_said_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AIDC_AWS_BACKOFF", "0")
    plugin = Plugin()
    try:
        with pytest.raises(Refused, match=r"UNAVAILABLE: .*does not answer at http://127.0.0.1:1 .*given up after 3"):
            plugin.configure({"region": "us-east-1", "allowedAccountIds": ["123456789012"]})
    finally:
        plugin.stop()


def test_another_region_replaces_the_provider_and_other_settings_do_not(plugin: Plugin) -> None:
    old = {"region": "us-east-1", "defaultTags": json.dumps({"tags": {"a": "b"}})}
    same = {"region": "us-east-1", "defaultTags": '{"tags":   {"a":"b"}}'}
    new = {"region": "us-west-2", "defaultTags": json.dumps({"tags": {"a": "c"}})}

    def diff(first: dict[str, str], second: dict[str, str]) -> Any:
        request = provider_pb2.DiffRequest(olds=wire.struct(first), news=wire.struct(second))
        return plugin.call("DiffConfig", request)

    assert not diff(old, same).detailedDiff
    answer = diff(old, new)
    assert (set(answer.diffs), list(answer.replaces)) == ({"region", "defaultTags"}, ["region"])


def test_a_backend_that_was_not_configured_says_so() -> None:
    plugin = Plugin()
    try:
        with pytest.raises(Refused, match="not configured"):
            plugin.resource("aws:ec2/vpc:Vpc").create({"cidrBlock": "10.0.0.0/16"})
    finally:
        plugin.stop()


def test_problems_are_of_one_kind() -> None:
    with pytest.raises(Fail, match="set aws:region"):
        configuration.load({})
