"""The same property in all the shapes in which programs write it: old tokens, text for numbers, inline and apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.examples import Thing
from policies.rules import ALL
from policies.rules.evaluate import Outcome, Pack
from policies.rules.model import UNKNOWN
from tests.policies.test_rules import built

GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
BUCKET = "aws:s3/bucket:Bucket"
POLICY = "aws:iam/policy:Policy"
LISTENER = "aws:lb/listener:Listener"
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
WORLD = ["0.0.0.0/0"]


def outcome(things: list[Thing]) -> Outcome:
    pack, resources = Pack(ALL), built(things)
    found = Outcome()
    for resource in resources:
        found.add(pack.resource(resource))
    found.add(pack.stack(resources))
    return found


def checks(rule: str, things: list[Thing]) -> set[str]:
    """The properties that a rule reports of the first thing."""
    return {
        entry.check
        for entry in outcome(things).findings
        if entry.rule.id == rule and entry.resource.name == things[0].name
    }


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def inline(**rule: Any) -> dict[str, Any]:
    return {"ingress": [{"cidrBlocks": WORLD, **rule}]}


@pytest.mark.parametrize(
    ("kind", "inputs", "expected"),
    [
        (GROUP, inline(protocol="tcp", fromPort=22, toPort=22), {"CKV_AWS_24"}),
        (GROUP, inline(protocol="6", fromPort="20", toPort="3400"), {"CKV_AWS_24", "CKV_AWS_25"}),
        (GROUP, inline(protocol="-1", fromPort=0, toPort=0), {"all-ports"}),
        (GROUP, inline(protocol="tcp", fromPort=0, toPort=0), {"all-ports"}),
        (GROUP, inline(protocol="icmp", fromPort=-1, toPort=-1), set()),
        (
            GROUP,
            {"ingress": [{"ipv6CidrBlocks": ["::/0"], "protocol": "6", "fromPort": 9, "toPort": 99}]},
            {"CKV_AWS_24"},
        ),
        (GROUP, {"ingress": [{"self": True, "protocol": "-1", "fromPort": 0, "toPort": 0}]}, set()),
        (GROUP, {"ingress": [{"protocol": "-1", "fromPort": 0, "toPort": 0}]}, {"source"}),
        (GROUP, {"ingress": [{"prefixListIds": ["pl-1"], "protocol": "-1", "fromPort": 0, "toPort": 0}]}, set()),
        (
            RULE,
            {"type": "ingress", "cidrBlocks": WORLD, "protocol": "6", "fromPort": 3389, "toPort": 3389},
            {"CKV_AWS_25"},
        ),
        (RULE, {"type": "egress", "cidrBlocks": WORLD, "protocol": "tcp", "fromPort": 22, "toPort": 22}, set()),
        (INGRESS, {"cidrIpv6": "::/0", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22}, {"CKV_AWS_24"}),
        (INGRESS, {"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"}, {"all-ports"}),
        (INGRESS, {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22}, {"source"}),
        (INGRESS, {"referencedSecurityGroupId": "sg-1", "ipProtocol": "tcp", "fromPort": 22, "toPort": 22}, set()),
    ],
)
def test_ports_that_the_world_reaches(kind: str, inputs: dict[str, Any], expected: set[str]) -> None:
    assert checks("sg-no-world-admin-ports", [Thing(kind, inputs=inputs)]) == expected


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"cidrIpv4": "0.0.0.0/0", "ipProtocol": "-1"}, {"sg-egress-restricted"}),
        ({"cidrIpv4": "0.0.0.0/0", "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}, set()),
        ({"cidrIpv4": "10.0.0.0/8", "ipProtocol": "-1"}, set()),
    ],
)
def test_traffic_out(inputs: dict[str, Any], expected: set[str]) -> None:
    assert checks("sg-egress-restricted", [Thing(EGRESS, inputs=inputs)]) == expected


def test_a_source_that_is_known_only_after_creation_is_a_source() -> None:
    inputs = {"referencedSecurityGroupId": UNKNOWN, "ipProtocol": "-1"}
    found = outcome([Thing(INGRESS, inputs=inputs)])
    assert "sg-no-world-admin-ports" not in [entry.rule.id for entry in (*found.findings, *found.doubts)]


SEPARATE = {
    "s3-versioning-enabled": ("BucketVersioning", {"versioningConfiguration": {"status": "Enabled"}}),
    "s3-access-logging": ("BucketLogging", {"targetBucket": "logs"}),
    "s3-encryption-kms": (
        "BucketServerSideEncryptionConfiguration",
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}]},
    ),
}
INLINE = {
    "s3-versioning-enabled": {"versioning": {"enabled": True}},
    "s3-access-logging": {"logging": {"targetBucket": "logs"}},
    "s3-encryption-kms": {
        "serverSideEncryptionConfiguration": {
            "rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}}
        }
    },
}


@pytest.mark.parametrize("version", ["", "V2"])
@pytest.mark.parametrize("rule", sorted(SEPARATE))
def test_a_property_of_a_bucket_may_be_a_resource_of_its_own(rule: str, version: str) -> None:
    kind, inputs = SEPARATE[rule]
    token = f"aws:s3/{kind[0].lower()}{kind[1:]}{version}:{kind}{version}"
    bucket = Thing(f"aws:s3/bucket{version}:Bucket{version}", "bucket", {"bucket": "b"})
    by_reference = Thing(token, "other", inputs, {"bucket": ["bucket"]})
    by_name = Thing(token, "other", {**inputs, "bucket": "b"})
    elsewhere = Thing(token, "other", {**inputs, "bucket": "another"})
    assert checks(rule, [bucket])
    assert checks(rule, [bucket, by_reference]) == set()
    assert checks(rule, [bucket, by_name]) == set()
    assert checks(rule, [bucket, elsewhere])


@pytest.mark.parametrize("rule", sorted(SEPARATE))
def test_a_part_for_a_bucket_that_nobody_knows_yet_may_be_for_this_one(rule: str) -> None:
    kind, inputs = SEPARATE[rule]
    part = Thing(f"aws:s3/{kind[0].lower()}{kind[1:]}:{kind}", "other", {**inputs, "bucket": UNKNOWN})
    found = outcome([Thing(BUCKET, "bucket"), part])
    assert rule not in [entry.rule.id for entry in found.findings]
    assert rule in [entry.rule.id for entry in found.doubts]


@pytest.mark.parametrize("rule", sorted(INLINE))
def test_a_property_of_a_bucket_may_be_inline(rule: str) -> None:
    assert checks(rule, [Thing(BUCKET, inputs=INLINE[rule])]) == set()


ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": "*"}


def with_condition(operator: str, key: str, value: Any) -> dict[str, Any]:
    return {**ALLOW, "Condition": {operator: {key: value}}}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ALLOW, {"s3-policy-no-wildcard-principal"}),
        ({**ALLOW, "Principal": {"AWS": ["arn:aws:iam::111122223333:root", "*"]}}, {"s3-policy-no-wildcard-principal"}),
        ({**ALLOW, "Principal": {"Service": "*"}}, set()),
        ({**ALLOW, "Effect": "Deny"}, set()),
        (with_condition("StringEquals", "aws:SourceVpce", "vpce-1"), set()),
        (with_condition("StringEquals", "aws:PrincipalOrgID", ["o-1"]), set()),
        (with_condition("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*"), {"s3-policy-no-wildcard-principal"}),
        (with_condition("ArnNotEquals", "aws:PrincipalArn", "arn:aws:iam::1:user/x"), {"weak-condition"}),
        (with_condition("ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-1"), {"weak-condition"}),
        (with_condition("Bool", "aws:SecureTransport", "true"), {"s3-policy-no-wildcard-principal"}),
        (with_condition("IpAddress", "aws:SourceIp", "0.0.0.0/0"), {"s3-policy-no-wildcard-principal"}),
    ],
)
def test_bucket_policies_for_everybody(statement: dict[str, Any], expected: set[str]) -> None:
    for value in (document(statement), json.loads(document(statement)), json.dumps({"Statement": statement})):
        thing = Thing("aws:s3/bucketPolicy:BucketPolicy", inputs={"policy": value})
        assert checks("s3-policy-no-wildcard-principal", [thing]) == expected


@pytest.mark.parametrize("kind", [POLICY, "aws:iam/rolePolicy:RolePolicy", "aws:iam/groupPolicy:GroupPolicy"])
@pytest.mark.parametrize("actions", ["*", ["s3:GetObject", "*"], ["*:*"]])
@pytest.mark.parametrize("resources", ["*", ["arn:aws:s3:::b", "*"]])
def test_administrators_by_policy(kind: str, actions: Any, resources: Any) -> None:
    value = document({"Effect": "Allow", "Action": actions, "Resource": resources})
    assert "CKV_AWS_62" in checks("iam-no-admin", [Thing(kind, inputs={"policy": value})])


def test_permission_sets_hold_their_policy_under_another_name() -> None:
    value = document({"Effect": "Allow", "Action": "*", "Resource": "*"})
    kind = "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy"
    thing = Thing(kind, inputs={"inlinePolicy": value})
    assert checks("iam-no-admin", [thing])
    assert "CKV_AWS_290" in checks("iam-no-unconstrained-write", [thing])


@pytest.mark.parametrize("action", ["ecr:GetAuthorizationToken", "xray:PutTraceSegments", "ec2:DescribeRegions"])
def test_actions_that_know_no_resources_may_be_allowed_on_all(action: str) -> None:
    value = document({"Effect": "Allow", "Action": [action], "Resource": "*"})
    assert checks("iam-no-unconstrained-write", [Thing(POLICY, inputs={"policy": value})]) == set()


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("repo:org/name:ref:refs/heads/main", False),
        ("repo:org/*", False),
        ("repo:org*", True),
        ("repo:*", True),
        ("*", True),
    ],
)
def test_subjects_of_github_tokens(subject: str, expected: bool) -> None:
    host = "token.actions.githubusercontent.com"
    trust = {
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": f"arn:aws:iam::111122223333:oidc-provider/{host}"},
        "Condition": {"StringLike": {f"{host}:sub": subject}},
    }
    thing = Thing("aws:iam/role:Role", inputs={"assumeRolePolicy": document(trust)})
    assert bool(checks("iam-github-oidc-claims", [thing])) is expected


ABORT = {"status": "Enabled", "abortIncompleteMultipartUpload": {"daysAfterInitiation": 7}}


@pytest.mark.parametrize(
    ("rule", "fine"),
    [
        (ABORT, True),
        ({**ABORT, "filter": {}}, True),
        ({**ABORT, "filter": {"prefix": ""}}, True),
        ({**ABORT, "filter": {"prefix": "log/"}}, False),
        ({**ABORT, "filter": {"and": {"prefix": "log/", "tags": {"a": "b"}}}}, False),
        ({**ABORT, "status": "Disabled"}, False),
    ],
)
def test_unfinished_uploads_of_the_whole_bucket(rule: dict[str, Any], fine: bool) -> None:
    assert (not checks("s3-abort-incomplete-multipart", [Thing(LIFECYCLE, inputs={"rules": [rule]})])) is fine


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", set()),
        ("ELBSecurityPolicy-FS-1-1-2019-08", {"CKV_AWS_103"}),
        ("ELBSecurityPolicy-2016-08", {"CKV_AWS_103", "CKV2_AWS_74"}),
        (None, {"CKV_AWS_103", "CKV2_AWS_74"}),
    ],
)
@pytest.mark.parametrize("kind", [LISTENER, "aws:alb/listener:Listener"])
def test_tls_policies(kind: str, policy: str | None, expected: set[str]) -> None:
    inputs = {"protocol": "HTTPS", **({"sslPolicy": policy} if policy else {})}
    assert checks("lb-listener-tls", [Thing(kind, inputs=inputs)]) == expected


def test_secrets_in_user_data_are_seen_in_base64_and_in_clear() -> None:
    secret = "export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"
    encoded = "ZXhwb3J0IEFXU19BQ0NFU1NfS0VZX0lEPUFLSUFJT1NGT0ROTjdFWEFNUExF"
    for kind, key, value in (
        ("aws:ec2/launchTemplate:LaunchTemplate", "userData", encoded),
        ("aws:ec2/launchTemplate:LaunchTemplate", "userData", secret),
        ("aws:ec2/instance:Instance", "userData", secret),
        ("aws:ec2/instance:Instance", "userDataBase64", encoded),
    ):
        assert checks("lt-no-secrets-in-user-data", [Thing(kind, inputs={key: value})])


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("kubernetes:core/v1:Pod", {"spec": [{"containers": None}]}),
        ("kubernetes:core/v1:Pod", {"spec": {"containers": [{"name": "a", "resources": {"limits": ["cpu"]}}]}}),
        ("kubernetes:core/v1:Pod", {"spec": {"containers": [{"securityContext": {"runAsUser": "me"}}]}}),
        ("kubernetes:core/v1:Pod", {"metadata": ["a"], "spec": None}),
        ("aws:ec2/launchTemplate:LaunchTemplate", {"networkInterfaces": "none", "blockDeviceMappings": 3}),
        (GROUP, {"ingress": "all", "egress": {"fromPort": "many"}, "tags": "none"}),
        (POLICY, {"policy": "[1, 2"}),
        (POLICY, {"policy": '{"Statement": "none"}'}),
    ],
)
def test_a_value_of_another_shape_ends_no_run(kind: str, inputs: dict[str, Any]) -> None:
    outcome([Thing(kind, inputs=inputs)])


FIREWALL = "gcp:compute/firewall:Firewall"
POOL = "gcp:container/nodePool:NodePool"


@pytest.mark.parametrize(
    ("allow", "more", "expected"),
    [
        ({"protocol": "tcp", "ports": ["22"]}, {}, {"CKV_GCP_2"}),
        ({"protocol": "tcp", "ports": ["20-4000"]}, {}, {"CKV_GCP_2", "CKV_GCP_3"}),
        ({"protocol": "all"}, {}, {"CKV_GCP_2", "CKV_GCP_3"}),
        ({"protocol": "tcp", "ports": ["443"]}, {}, set()),
        ({"protocol": "udp", "ports": ["22"]}, {}, set()),
        ({"protocol": "tcp", "ports": ["22"]}, {"direction": "EGRESS"}, set()),
        ({"protocol": "tcp", "ports": ["22"]}, {"sourceRanges": ["10.0.0.0/8"]}, set()),
        ({"protocol": "tcp", "ports": ["22"]}, {"sourceRanges": ["::/0"]}, {"CKV_GCP_2"}),
    ],
)
def test_ports_of_google_cloud_that_the_world_reaches(
    allow: dict[str, Any], more: dict[str, Any], expected: set[str]
) -> None:
    inputs = {"sourceRanges": WORLD, "allows": [allow], **more}
    assert checks("gcp-firewall-no-world-admin-ports", [Thing(FIREWALL, inputs=inputs)]) == expected


@pytest.mark.parametrize(
    ("machine", "topology", "nodes", "kind", "broken"),
    [
        ("ct6e-standard-4t", "4x4", 4, "COMPACT", set()),
        ("ct6e-standard-4t", "4x4", 2, "COMPACT", {"gcp-tpu-topology"}),
        ("ct6e-standard-4t", "2x2x2", 2, "COMPACT", {"gcp-tpu-topology"}),
        ("ct6e-standard-4t", "2x2", 1, "COMPACT", {"gcp-tpu-placement"}),
        ("ct6e-standard-8t", "2x4", 1, None, set()),
        ("ct5p-hightpu-4t", "4x4x4", 16, "COMPACT", set()),
        ("ct5p-hightpu-4t", "4x4x4", 16, None, {"gcp-tpu-placement"}),
        ("tpu7x-standard-4t", "4x4x4", 16, "COMPACT", {"gcp-tpu7x-workload-policy"}),
        ("e2-standard-4", None, 3, None, set()),
    ],
)
def test_slices_of_tpus(machine: str, topology: str | None, nodes: int, kind: str | None, broken: set[str]) -> None:
    placement = {key: value for key, value in (("tpuTopology", topology), ("type", kind)) if value}
    inputs = {"nodeConfig": {"machineType": machine}, "nodeCount": nodes, "placementPolicy": placement}
    found = {
        rule
        for rule in ("gcp-tpu-topology", "gcp-tpu-placement", "gcp-tpu7x-workload-policy")
        if checks(rule, [Thing(POOL, inputs=inputs)])
    }
    assert found == broken


@pytest.mark.parametrize(
    ("place", "fine"),
    [("us-central1", True), ("US-CENTRAL1", True), ("us-central1-b", True), ("us-central2-b", False), ("US", False)],
)
def test_places_of_google_cloud(place: str, fine: bool) -> None:
    pack = Pack(ALL, parameters={"region-allowlist": {"regions": ["us-central1"]}})
    (resource,) = built([Thing("gcp:storage/bucket:Bucket", inputs={"location": place})])
    found = [entry for entry in pack.resource(resource).findings if entry.rule.id == "region-allowlist"]
    assert (not found) is fine
