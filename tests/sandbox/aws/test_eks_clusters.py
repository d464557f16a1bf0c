"""EKS clusters, add-ons, pod identity, tags: made, read back, changed, tagged, deleted, gone."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.aws.conftest import AUTHORITY, ENDPOINT, TRUST, Client, Network, refused

KEY = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def eks(aws: Client) -> Any:
    return aws("eks")


@pytest.fixture(scope="module")
def cluster(make_cluster: Make) -> str:
    make_cluster("main", version="1.34")
    return "main"


def test_cluster_keeps_every_field_and_gets_what_eks_adds(make_cluster: Make, eks: Any, network: Network) -> None:
    given = {
        "version": "1.34",
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.21.0.0/16", "ipFamily": "ipv4"},
        "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": True}]},
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": KEY}}],
        "upgradePolicy": {"supportType": "STANDARD"},
        "zonalShiftConfig": {"enabled": True},
        "controlPlaneScalingConfig": {"tier": "tier-xl"},
        "bootstrapSelfManagedAddons": False,
        "deletionProtection": True,
        "tags": {"a": "b"},
        "resourcesVpcConfig": {
            "subnetIds": network.subnets,
            "securityGroupIds": [network.group],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": True,
            "publicAccessCidrs": ["192.0.2.0/24"],
        },
    }
    read = make_cluster("full", **given)
    for member in ("version", "accessConfig", "encryptionConfig", "upgradePolicy", "zonalShiftConfig", "tags"):
        assert read[member] == given[member]
    assert (read["deletionProtection"], read["controlPlaneScalingConfig"]) == (True, {"tier": "tier-xl"})
    assert read["kubernetesNetworkConfig"].items() >= given["kubernetesNetworkConfig"].items()
    assert given["resourcesVpcConfig"].items() <= read["resourcesVpcConfig"].items()
    assert read["resourcesVpcConfig"]["vpcId"] == network.vpc
    on, off = read["logging"]["clusterLogging"]
    assert (on["types"], on["enabled"], off["enabled"]) == (["api", "audit"], True, False)
    assert len(on["types"] + off["types"]) == 5
    assert (read["status"], read["arn"]) == ("ACTIVE", "arn:aws:eks:us-east-1:123456789012:cluster/full")
    assert read["identity"]["oidc"]["issuer"].startswith("https://oidc.eks.us-east-1.amazonaws.com/id/")
    with refused("InvalidRequestException", "deletion protection"):
        eks.delete_cluster(name="full")
    eks.update_cluster_config(name="full", deletionProtection=False)
    eks.delete_cluster(name="full")


def test_every_cluster_is_behind_the_local_api_server(eks: Any, cluster: str) -> None:
    read = eks.describe_cluster(name=cluster)["cluster"]
    assert read["endpoint"] == ENDPOINT
    assert base64.b64decode(read["certificateAuthority"]["data"]).decode() == AUTHORITY


def test_creation_and_deletion_are_not_done_when_the_call_returns(eks: Any, network: Network, role: str) -> None:
    made = eks.create_cluster(name="soon", roleArn=role, resourcesVpcConfig={"subnetIds": network.subnets})["cluster"]
    assert made["status"] == "CREATING"
    eks.get_waiter("cluster_active").wait(name="soon", WaiterConfig={"Delay": 0, "MaxAttempts": 2})
    assert eks.delete_cluster(name="soon")["cluster"]["status"] == "DELETING"
    with refused("ResourceNotFoundException"):
        eks.describe_cluster(name="soon")


def test_the_cluster_security_group_is_real_and_goes_with_the_cluster(make_cluster: Make, aws: Client) -> None:
    group = make_cluster("grouped")["resourcesVpcConfig"]["clusterSecurityGroupId"]
    [read] = aws("ec2").describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert read["GroupName"].startswith("eks-cluster-sg-grouped-")
    assert read["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group
    assert {"Key": "aws:eks:cluster-name", "Value": "grouped"} in read["Tags"]
    aws("eks").delete_cluster(name="grouped")
    with refused("InvalidGroup.NotFound"):
        aws("ec2").describe_security_groups(GroupIds=[group])


def test_a_subnet_that_a_cluster_uses_cannot_be_deleted(aws: Client, cluster: str, network: Network) -> None:
    with refused("DependencyViolation", f"cluster/{cluster}"):
        aws("ec2").delete_subnet(SubnetId=network.subnets[0])


@pytest.mark.parametrize(
    ("wrong", "code", "part"),
    [
        ({"version": "1.99"}, "InvalidParameterException", "1.99"),
        ({"roleArn": "arn:aws:iam::123456789012:role/none"}, "InvalidParameterException", "role/none"),
        ({"resourcesVpcConfig": {"subnetIds": ["subnet-00000000", "subnet-11111111"]}}, "InvalidParameterException",
         "subnet-00000000"),
        ({"outpostConfig": {"outpostArns": ["arn:x"], "controlPlaneInstanceType": "m5.large"}},
         "NotAvailableInLocalCloud", "eks:CreateCluster (outpostConfig)"),
    ],
)  # fmt: skip
def test_a_cluster_that_eks_would_refuse_is_refused(
    eks: Any, network: Network, role: str, wrong: dict[str, Any], code: str, part: str
) -> None:
    right = {"roleArn": role, "resourcesVpcConfig": {"subnetIds": network.subnets}}
    with refused(code, part):
        eks.create_cluster(name="wrong", **{**right, **wrong})
    with refused("ResourceNotFoundException"):
        eks.describe_cluster(name="wrong")


def test_subnets_in_one_zone_and_no_endpoint_at_all_are_refused(eks: Any, network: Network, role: str) -> None:
    with refused("InvalidParameterException", "two different AZs"):
        eks.create_cluster(name="x", roleArn=role, resourcesVpcConfig={"subnetIds": network.subnets[:1]})
    closed = {"subnetIds": network.subnets, "endpointPublicAccess": False, "endpointPrivateAccess": False}
    with refused("InvalidParameterException", "cannot be false"):
        eks.create_cluster(name="x", roleArn=role, resourcesVpcConfig=closed)


def test_a_name_is_taken_once(make_cluster: Make, cluster: str) -> None:
    with refused("ResourceInUseException", cluster):
        make_cluster(cluster)


@pytest.mark.parametrize(
    ("change", "kind", "member"),
    [
        ({"resourcesVpcConfig": {"publicAccessCidrs": ["192.0.2.1/32"]}}, "EndpointAccessUpdate", "resourcesVpcConfig"),
        ({"resourcesVpcConfig": {"securityGroupIds": []}}, "VpcConfigUpdate", "resourcesVpcConfig"),
        ({"upgradePolicy": {"supportType": "STANDARD"}}, "UpgradePolicyUpdate", "upgradePolicy"),
        ({"zonalShiftConfig": {"enabled": True}}, "ZonalShiftConfigUpdate", "zonalShiftConfig"),
        ({"accessConfig": {"authenticationMode": "API"}}, "AccessConfigUpdate", "accessConfig"),
    ],
)
def test_an_update_changes_what_it_names_and_can_be_followed(
    make_cluster: Make, eks: Any, network: Network, change: dict[str, Any], kind: str, member: str
) -> None:
    config = {"subnetIds": network.subnets, "securityGroupIds": [network.group]}
    before = make_cluster(
        "change", resourcesVpcConfig=config, accessConfig={"authenticationMode": "API_AND_CONFIG_MAP"}
    )
    update = eks.update_cluster_config(name="change", **change)["update"]
    assert (update["status"], update["type"]) == ("InProgress", kind)
    assert eks.describe_update(name="change", updateId=update["id"])["update"]["status"] == "Successful"
    assert eks.list_updates(name="change")["updateIds"] == [update["id"]]
    after = eks.describe_cluster(name="change")["cluster"]
    assert change[member].items() <= after[member].items()
    unchanged = {key: value for key, value in before.items() if key != member}
    assert {key: after[key] for key in unchanged} == unchanged
    with refused("InvalidParameterException", "No changes needed"):
        eks.update_cluster_config(name="change", **change)
    eks.delete_cluster(name="change")


def test_logging_changes_only_the_named_types(make_cluster: Make, eks: Any) -> None:
    make_cluster("logs", logging={"clusterLogging": [{"types": ["api"], "enabled": True}]})
    eks.update_cluster_config(name="logs", logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]})
    parts = eks.describe_cluster(name="logs")["cluster"]["logging"]["clusterLogging"]
    assert [part["types"] for part in parts if part["enabled"]] == [["api", "audit"]]
    eks.delete_cluster(name="logs")


def test_an_update_of_two_kinds_or_back_to_the_config_map_is_refused(eks: Any, cluster: str) -> None:
    with refused("InvalidParameterException", "Only one type of update"):
        eks.update_cluster_config(name=cluster, deletionProtection=True, upgradePolicy={"supportType": "STANDARD"})
    with refused("InvalidParameterException", "authentication mode"):
        eks.update_cluster_config(name=cluster, accessConfig={"authenticationMode": "CONFIG_MAP"})


def test_a_version_goes_up_one_minor_at_a_time(make_cluster: Make, eks: Any) -> None:
    make_cluster("old", version="1.33")
    for version in ("1.35", "1.32", "1.33"):
        with refused("InvalidParameterException", version):
            eks.update_cluster_version(name="old", version=version)
    eks.update_cluster_version(name="old", version="1.34")
    assert eks.describe_cluster(name="old")["cluster"]["version"] == "1.34"
    eks.delete_cluster(name="old")


def test_encryption_is_associated_once(make_cluster: Make, eks: Any) -> None:
    make_cluster("plain")
    config = [{"resources": ["secrets"], "provider": {"keyArn": KEY}}]
    eks.associate_encryption_config(clusterName="plain", encryptionConfig=config)
    assert eks.describe_cluster(name="plain")["cluster"]["encryptionConfig"] == config
    with refused("ResourceInUseException"):
        eks.associate_encryption_config(clusterName="plain", encryptionConfig=config)
    eks.delete_cluster(name="plain")


def test_addon(eks: Any, aws: Client, cluster: str) -> None:
    made = eks.create_addon(
        clusterName=cluster,
        addonName="vpc-cni",
        addonVersion="v1.22.3-eksbuild.1",
        configurationValues='{"env": {"ENABLE_PREFIX_DELEGATION": "true"}}',
        resolveConflicts="OVERWRITE",
        tags={"a": "b"},
    )["addon"]
    assert made["status"] == "CREATING"
    where = {"clusterName": cluster, "addonName": "vpc-cni"}
    read = eks.describe_addon(**where)["addon"]
    assert (read["status"], read["addonVersion"], read["tags"]) == ("ACTIVE", "v1.22.3-eksbuild.1", {"a": "b"})
    assert read["configurationValues"] == '{"env": {"ENABLE_PREFIX_DELEGATION": "true"}}'
    update = eks.update_addon(**where, addonVersion="v1.23.0-eksbuild.1", configurationValues="{}")["update"]
    found = eks.describe_update(name=cluster, addonName="vpc-cni", updateId=update["id"])["update"]
    assert found["status"] == "Successful"
    with refused("ResourceNotFoundException"):
        eks.describe_update(name=cluster, updateId=update["id"])
    assert eks.describe_addon(**where)["addon"]["addonVersion"] == "v1.23.0-eksbuild.1"
    assert eks.list_addons(clusterName=cluster)["addons"] == ["vpc-cni"]
    with refused("ResourceInUseException"):
        eks.create_addon(**where)
    eks.delete_addon(**where, preserve=False)
    with refused("ResourceNotFoundException"):
        eks.describe_addon(**where)
    with refused("ResourceNotFoundException"):
        eks.delete_addon(**where)


def test_an_addon_without_a_version_gets_the_catalogs_or_says_that_it_is_local(make_cluster: Make, eks: Any) -> None:
    from catalog import releases

    newest = releases["vpc-cni"]
    make_cluster("latest", version=newest.kubernetes)
    for name, version in (("vpc-cni", newest.version), ("snapshot-controller", "v0.0.0-local")):
        assert eks.create_addon(clusterName="latest", addonName=name)["addon"]["addonVersion"] == version
    listed = eks.describe_addon_versions(addonName="vpc-cni", kubernetesVersion=newest.kubernetes)["addons"]
    assert [entry["addonVersion"] for entry in listed[0]["addonVersions"]] == [newest.version]
    eks.delete_cluster(name="latest")


@pytest.mark.parametrize(
    "wrong", [{"addonVersion": "latest"}, {"configurationValues": "just text"}, {"configurationValues": "{"}]
)
def test_an_addon_that_eks_would_refuse_is_refused(eks: Any, cluster: str, wrong: dict[str, str]) -> None:
    with refused("InvalidParameterException"):
        eks.create_addon(clusterName=cluster, addonName="coredns", **wrong)
    assert "coredns" not in eks.list_addons(clusterName=cluster)["addons"]


def test_pod_identity_association(eks: Any, aws: Client, cluster: str, role: str) -> None:
    other = aws("iam").create_role(RoleName="pods", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    where = {"namespace": "storage", "serviceAccount": "fsx-csi"}
    made = eks.create_pod_identity_association(
        clusterName=cluster, **where, roleArn=role, tags={"a": "b"}, disableSessionTags=True, targetRoleArn=other
    )["association"]
    key = {"clusterName": cluster, "associationId": made["associationId"]}
    read = eks.describe_pod_identity_association(**key)["association"]
    assert where.items() <= read.items()
    assert (read["roleArn"], read["targetRoleArn"], read["disableSessionTags"]) == (role, other, True)
    assert read["externalId"]
    eks.update_pod_identity_association(**key, roleArn=other, targetRoleArn="")
    read = eks.describe_pod_identity_association(**key)["association"]
    assert read["roleArn"] == other
    assert "targetRoleArn" not in read
    [listed] = eks.list_pod_identity_associations(clusterName=cluster, namespace="storage")["associations"]
    assert listed["associationId"] == made["associationId"]
    assert eks.list_pod_identity_associations(clusterName=cluster, namespace="other")["associations"] == []
    with refused("ResourceInUseException", "storage/fsx-csi"):
        eks.create_pod_identity_association(clusterName=cluster, **where, roleArn=role)
    eks.delete_pod_identity_association(**key)
    with refused("ResourceNotFoundException"):
        eks.describe_pod_identity_association(**key)
    with refused("InvalidParameterException", "role/none"):
        eks.create_pod_identity_association(clusterName=cluster, **where, roleArn="arn:aws:iam::123456789012:role/none")


def test_the_associations_of_an_addon_belong_to_it(eks: Any, cluster: str, role: str) -> None:
    identity = {"serviceAccount": "ebs-csi", "roleArn": role}
    made = eks.create_addon(clusterName=cluster, addonName="aws-ebs-csi-driver", podIdentityAssociations=[identity])[
        "addon"
    ]
    [listed] = eks.list_pod_identity_associations(clusterName=cluster)["associations"]
    assert made["podIdentityAssociations"] == [listed["associationArn"]]
    assert (listed["namespace"], listed["ownerArn"]) == ("kube-system", made["addonArn"])
    with refused("InvalidParameterException"):
        eks.delete_pod_identity_association(clusterName=cluster, associationId=listed["associationId"])
    eks.delete_addon(clusterName=cluster, addonName="aws-ebs-csi-driver")
    assert eks.list_pod_identity_associations(clusterName=cluster)["associations"] == []


def test_everything_in_eks_can_be_tagged(eks: Any, cluster: str, network: Network, role: str) -> None:
    addon = eks.create_addon(clusterName=cluster, addonName="kube-proxy", tags={"old": "1"})["addon"]
    group = eks.create_nodegroup(
        clusterName=cluster, nodegroupName="tagged", nodeRole=role, subnets=network.subnets, tags={"old": "1"}
    )["nodegroup"]
    entry = eks.create_access_entry(
        clusterName=cluster, principalArn="arn:aws:iam::123456789012:role/ops", tags={"old": "1"}
    )["accessEntry"]
    pod = eks.create_pod_identity_association(
        clusterName=cluster, namespace="n", serviceAccount="s", roleArn=role, tags={"old": "1"}
    )["association"]
    arns = [
        addon["addonArn"],
        group["nodegroupArn"],
        entry["accessEntryArn"],
        pod["associationArn"],
        eks.describe_cluster(name=cluster)["cluster"]["arn"],
    ]
    for arn in arns:
        eks.tag_resource(resourceArn=arn, tags={"new": "2"})
        eks.untag_resource(resourceArn=arn, tagKeys=["old"])
        assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"new": "2"}
    with refused("ResourceNotFoundException"):
        eks.tag_resource(resourceArn=arns[-1] + "x", tags={"new": "2"})
    assert eks.describe_nodegroup(clusterName=cluster, nodegroupName="tagged")["nodegroup"]["tags"] == {"new": "2"}
    eks.delete_nodegroup(clusterName=cluster, nodegroupName="tagged")


def test_listings_come_in_pages(make_cluster: Make, eks: Any, cluster: str) -> None:
    names = sorted([cluster, *(make_cluster(f"page-{index}")["name"] for index in range(3))])
    pages = list(eks.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 3}))
    assert [page["clusters"] for page in pages] == [names[:3], names[3:]]


def test_ipv6_cluster_gets_an_ipv6_service_range(make_cluster: Make, eks: Any) -> None:
    read = make_cluster("six", kubernetesNetworkConfig={"ipFamily": "ipv6"})["kubernetesNetworkConfig"]
    assert ":" in read["serviceIpv6Cidr"]
    assert "serviceIpv4Cidr" not in read
    eks.delete_cluster(name="six")
