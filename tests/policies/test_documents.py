"""Policy documents: what lets in everybody or allows everything, however it is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from policies.examples import Thing
from policies.rules.model import UNKNOWN
from tests.policies.test_kinds import checks, document
from tests.policies.test_reach import doubts

ROLE, KEY, BUCKET = "aws:iam/role:Role", "aws:kms/key:Key", "aws:s3/bucket:Bucket"
POLICY, BUCKET_POLICY = "aws:iam/policy:Policy", "aws:s3/bucketPolicy:BucketPolicy"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ONE = {"AWS": "arn:aws:iam::111122223333:root"}


@pytest.mark.parametrize(
    ("kind", "path", "rule"),
    [
        (BUCKET_POLICY, "policy", "s3-policy-no-wildcard-principal"),
        (KEY, "policy", "kms-policy-no-wildcard"),
        (ROLE, "assumeRolePolicy", "iam-trust-not-wildcard"),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", "policy", "ecr-policy-not-public"),
    ],
)
def test_everybody_but_some_is_everybody(kind: str, path: str, rule: str) -> None:
    allowed = document({**EVERYTHING, "NotPrincipal": ONE})
    assert checks(rule, [Thing(kind, inputs={path: allowed})]) == {"not-principal"}
    denied = document({**EVERYTHING, "Effect": "Deny", "NotPrincipal": ONE})
    assert checks(rule, [Thing(kind, inputs={path: denied})]) == set()


ADMIN = {"CKV_AWS_62", "CKV_AWS_63", "CKV2_AWS_40"}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (EVERYTHING, ADMIN),
        ({**EVERYTHING, "Action": ["**"]}, ADMIN),
        ({**EVERYTHING, "Action": "*:*", "Resource": "arn:aws:*"}, ADMIN),
        ({**EVERYTHING, "Resource": "arn:aws:s3:::b/*"}, ADMIN - {"CKV_AWS_62"}),
        ({"Effect": "Allow", "NotAction": "s3:DeleteBucket", "Resource": "*"}, {"not-action"}),
        ({"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}, set()),
        ({**EVERYTHING, "Action": "i*m:*"}, {"CKV2_AWS_40"}),
        ({**EVERYTHING, "Action": "s3:*"}, set()),
    ],
)
def test_administrators_are_found_in_policies_and_inside_roles(statement: dict[str, Any], expected: set[str]) -> None:
    assert checks("iam-no-admin", [Thing(POLICY, inputs={"policy": document(statement)})]) == expected
    inline = {"inlinePolicies": [{"policy": UNKNOWN}, {"name": "x", "policy": document(statement)}]}
    assert checks("iam-no-admin", [Thing(ROLE, inputs=inline)]) == expected


def test_strong_actions_are_found_inside_roles() -> None:
    write = document({"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"})
    assert "CKV_AWS_290" in checks(
        "iam-no-unconstrained-write", [Thing(ROLE, inputs={"inlinePolicies": [{"policy": write}]})]
    )


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({**EVERYTHING, "Principal": "*"}, {"CKV_AWS_33"}),
        ({**EVERYTHING, "Principal": "*", "Action": "k*:*"}, {"CKV_AWS_33"}),
        ({**EVERYTHING, "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}, {"weak-condition"}),
        ({**EVERYTHING, "Principal": "*", "Condition": {"StringEquals": {"kms:CallerAccount": "111122223333"}}}, set()),
        ({"Effect": "Allow", "Principal": "*", "NotAction": "kms:Delete*", "Resource": "*"}, {"not-action"}),
        ({"Effect": "Allow", "Principal": "*", "NotAction": "kms:*", "Resource": "*"}, set()),
        ({**EVERYTHING, "Principal": "*", "Action": "s3:*"}, set()),
    ],
)
def test_keys_that_everybody_may_use(statement: dict[str, Any], expected: set[str]) -> None:
    assert checks("kms-policy-no-wildcard", [Thing(KEY, inputs={"policy": document(statement)})]) == expected


PLAIN = {"Bool": {"aws:SecureTransport": "false"}}
DENY = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": PLAIN}
B, OBJECTS = "arn:aws:s3:::b", "arn:aws:s3:::b/*"


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{**DENY, "Resource": [B, OBJECTS]}], set()),
        ([{**DENY, "Resource": "*"}], set()),
        ([{**DENY, "Resource": f"{B}*"}], set()),
        ([{**DENY, "Resource": B}, {**DENY, "Principal": {"AWS": "*"}, "Resource": OBJECTS}], set()),
        ([{**DENY, "Resource": OBJECTS}], {"partial"}),
        ([{**DENY, "Resource": [B, f"{B}/x/*"]}], {"partial"}),
        ([{**DENY, "Resource": "*", "Principal": ONE}], {"partial"}),
        ([{**DENY, "Resource": "*", "Action": "s3:PutObject"}], {"partial"}),
        ([{**DENY, "Resource": "*", "Condition": {**PLAIN, "StringEquals": {"aws:PrincipalTag/x": "y"}}}], {"partial"}),
        ([{**DENY, "Effect": "Allow", "Resource": "*"}], {"s3-tls-only"}),
    ],
)
def test_plain_requests_are_denied_to_all_for_all_of_a_bucket(
    statements: list[dict[str, Any]], expected: set[str]
) -> None:
    policy = Thing(BUCKET_POLICY, "p", {"policy": document(*statements)}, {"bucket": ["b"]})
    assert checks("s3-tls-only", [Thing(BUCKET, "b"), policy]) == expected


def test_what_is_no_document_is_said_to_be_none() -> None:
    (reason,) = doubts("iam-no-admin", [Thing(POLICY, inputs={"policy": "{oops"})])
    assert reason == "policy is not JSON"


def test_an_unknown_value_in_one_statement_hides_no_other() -> None:
    late = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": UNKNOWN}
    things = [Thing(POLICY, inputs={"policy": {"Statement": [late, EVERYTHING]}})]
    assert checks("iam-no-admin", things) == ADMIN
    assert doubts("iam-no-admin", things) == ["policy holds a value that is known only after creation"]


def test_members_of_a_policy_of_a_bucket_in_google_cloud() -> None:
    given = {"bindings": [{"role": "roles/storage.objectViewer", "members": ["allUsers"]}]}
    for kind, inputs in (
        ("gcp:storage/bucketIAMPolicy:BucketIAMPolicy", {"policyData": json.dumps(given)}),
        ("gcp:storage/bucketACL:BucketACL", {"predefinedAcl": "publicRead"}),
        ("gcp:storage/bucketACL:BucketACL", {"roleEntities": ["OWNER:user-me", "READER:allUsers"]}),
        ("gcp:storage/defaultObjectAccessControl:DefaultObjectAccessControl", {"entity": "allUsers"}),
        ("gcp:storage/bucketIAMBinding:BucketIAMBinding", {"members": [UNKNOWN, "allUsers"]}),
    ):
        assert checks("gcp-bucket-not-public", [Thing(kind, inputs=inputs)])
