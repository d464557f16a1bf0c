"""The provider's arguments and what a change of them means."""

from __future__ import annotations

import json

import pytest

from sandbox.providers.kubernetes import configuration
from sandbox.providers.wire import UNKNOWN


def kubeconfig(server: str = "https://127.0.0.1:1", ca: str = "Y2E=", token: str = "t") -> str:
    return json.dumps(
        {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server, "certificate-authority-data": ca}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )


def test_a_kubeconfig_that_is_not_known_yet_is_not_looked_at() -> None:
    assert configuration.problems({"kubeconfig": UNKNOWN}) == []
    assert configuration.problems({"kubeconfig": f"server: {UNKNOWN}"}) == []


def test_a_cluster_that_is_not_on_this_machine_is_refused_in_one_line() -> None:
    (problem,) = configuration.problems({"kubeconfig": kubeconfig("https://abc.gr7.us-east-1.eks.amazonaws.com")})
    assert problem.property == "kubeconfig"
    assert "abc.gr7.us-east-1.eks.amazonaws.com is not on this machine" in problem.reason
    assert "\n" not in problem.reason


def test_options_that_the_local_provider_lacks_are_refused_by_name() -> None:
    news = {"renderYamlToDirectory": "out", "alwaysRender": "true", "enableServerSideApply": "false"}
    assert {one.property for one in configuration.problems(news)} == set(news)
    assert configuration.problems({"enableServerSideApply": "true", "alwaysRender": "false"}) == []


def test_switches_arrive_as_text_and_the_argument_wins_over_the_environment() -> None:
    environ = {"PULUMI_K8S_ENABLE_PATCH_FORCE": "true", "PULUMI_K8S_DELETE_UNREACHABLE": "true"}
    options = configuration.options({"enablePatchForce": "false", "enableConfigMapMutable": "true"}, environ)
    assert (options.enable_patch_force, options.delete_unreachable, options.config_map_mutable) == (False, True, True)
    assert configuration.options({}, {}) == configuration.Options()


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        ({"kubeconfig": kubeconfig(token="a")}, {"kubeconfig": kubeconfig(token="b")}, set()),
        (
            {"kubeconfig": kubeconfig("https://127.0.0.1:1")},
            {"kubeconfig": kubeconfig("https://127.0.0.1:2")},
            {"kubeconfig"},
        ),
        ({"kubeconfig": kubeconfig(ca="YQ==")}, {"kubeconfig": kubeconfig(ca="Yg==")}, {"kubeconfig"}),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": UNKNOWN}, {"kubeconfig"}),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(), "namespace": "x"}, set()),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig("https://127.0.0.1:2"), "context": "none"}, set()),
        (
            {"kubeconfig": kubeconfig("https://127.0.0.1:1"), "clusterIdentifier": "a"},
            {"kubeconfig": kubeconfig("https://127.0.0.1:2"), "clusterIdentifier": "a"},
            set(),
        ),
        ({"clusterIdentifier": "a"}, {"clusterIdentifier": "b"}, {"clusterIdentifier"}),
        ({}, {"clusterIdentifier": "b"}, set()),
    ],
)
def test_only_another_cluster_replaces_the_resources_of_a_provider(old: dict, new: dict, replaces: set) -> None:
    found = configuration.difference(old, new)
    assert found.changes
    assert found.replaces == replaces


def test_the_same_configuration_is_no_change() -> None:
    assert not configuration.difference({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig()}).changes
