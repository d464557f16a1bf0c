"""Versions and images: what was read in its source, and what was not."""

from __future__ import annotations

import datetime
import re

import pytest

from catalog import eks_versions, releases
from catalog.release import UnknownRegistry, eks_registry
from catalog.table import UnknownName, rows

ADDONS = [name for name, release in releases.items() if release.kind == "addon"]
NEEDED = ("eks", "vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "eks-node-monitoring-agent",
          "aws-ebs-csi-driver", "metrics-server", "nvidia-device-plugin", "efa-device-plugin", "neuron-device-plugin",
          "aws-fsx-csi-driver", "csi-node-driver-registrar", "csi-liveness-probe", "kueue", "jobset")  # fmt: skip


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


@pytest.mark.parametrize("name", NEEDED)
def test_a_component_of_the_design_has_a_version(name: str) -> None:
    assert releases[name].version


@pytest.mark.parametrize("name", list(releases))
def test_a_verified_release_has_a_version_or_a_minimum_and_names_its_source(name: str) -> None:
    release = releases[name]
    assert not release.verified or release.version or release.minimum
    assert "/" in release.source or not release.verified, "a verified version was read in a repository"


@pytest.mark.parametrize("name", [name for name, release in releases.items() if release.version and release.minimum])
def test_the_version_is_not_below_the_lowest_that_works(name: str) -> None:
    release = releases[name]
    assert release.version and release.minimum
    assert numbers(release.version) >= numbers(release.minimum)


@pytest.mark.parametrize("name", [name for name, release in releases.items() if release.image])
def test_an_image_carries_the_tag_of_its_version(name: str) -> None:
    release = releases[name]
    assert release.image and release.version
    assert release.image.rsplit(":", 1)[1] == release.version


@pytest.mark.parametrize("name", ADDONS)
def test_an_addon_version_has_the_form_of_eks_and_belongs_to_the_default_cluster(name: str) -> None:
    release, cluster = releases[name], releases["eks"].version
    assert cluster
    version = release.for_kubernetes(cluster)
    assert version and re.fullmatch(r"v\d+\.\d+\.\d+-eksbuild\.\d+", version)


def test_an_addon_version_is_not_offered_for_another_kubernetes() -> None:
    assert releases["kube-proxy"].for_kubernetes("1.33") is None
    assert releases["nvidia-device-plugin"].for_kubernetes("1.33") == "v0.20.0"


def test_the_network_plugin_can_attach_efa_only_interfaces() -> None:
    assert releases["vpc-cni"].minimum == "1.18.5"


def test_the_default_cluster_is_in_standard_support_when_its_row_was_written() -> None:
    release = releases["eks"]
    assert release.version
    assert eks_versions[release.version].extended(datetime.date.fromisoformat(release.date)) is False


def test_a_version_enters_extended_support_on_its_day() -> None:
    version = eks_versions["1.34"]
    assert version.extended(datetime.date(2026, 12, 1)) is False
    assert version.extended(datetime.date(2026, 12, 2)) is True
    assert eks_versions["1.36"].extended(datetime.date(2030, 1, 1)) is None


def test_an_eks_image_comes_from_the_registry_of_its_region() -> None:
    plugin = releases["efa-device-plugin"]
    image = "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/aws-efa-k8s-device-plugin:v0.5.20"
    assert plugin.image_in("us-east-1") == image
    assert plugin.image_in("af-south-1").startswith("877085696533.dkr.ecr.af-south-1.amazonaws.com/")
    assert plugin.image_in("cn-north-1").startswith("918309763551.dkr.ecr.cn-north-1.amazonaws.com.cn/")
    assert releases["nvidia-device-plugin"].image_in("us-east-1") == "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"


def test_a_region_without_a_known_registry_is_refused_with_near_matches() -> None:
    with pytest.raises(
        UnknownRegistry, match=r"us-east-9: not a known region with an EKS image registry; near: us-east"
    ):
        eks_registry("us-east-9")


def test_a_component_without_an_image_says_so() -> None:
    with pytest.raises(ValueError, match="vpc-cni has no image"):
        releases["vpc-cni"].image_in("us-east-1")


def test_registry_accounts_are_account_numbers() -> None:
    assert all(re.fullmatch(r"\d{12}", row.text("account")) for row in rows("eks_image_registries"))


def test_every_region_with_accelerator_prices_has_a_registry() -> None:
    for region in {row.text("region") for row in rows("aws_instance_prices")}:
        assert eks_registry(region)


def test_an_unknown_component_names_its_neighbours() -> None:
    with pytest.raises(UnknownName, match="near: vpc-cni"):
        releases["vpc-cnii"]
