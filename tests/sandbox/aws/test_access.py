"""EKS access entries and policies, and the token review that turns them into Kubernetes groups."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import urllib.error
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.aws import tokens
from sandbox.settings import ACCESS_KEY, SECRET_KEY
from tests.sandbox.aws.conftest import Client, Cloud, refused

MOTO = "arn:aws:iam::123456789012:user/moto"
OPS = "arn:aws:iam::123456789012:role/team/ops"
POLICY = "arn:aws:eks::aws:cluster-access-policy/{}"


@pytest.fixture
def eks(aws: Client) -> Any:
    return aws("eks")


@pytest.fixture(scope="module")
def cluster(make_cluster: Callable[..., dict[str, Any]]) -> str:
    make_cluster("other")
    return make_cluster("main")["name"]


@pytest.fixture
def ops(eks: Any, cluster: str) -> Any:
    """An access entry for a role; gone after the test."""
    yield eks.create_access_entry(clusterName=cluster, principalArn=OPS)["accessEntry"]
    eks.delete_access_entry(clusterName=cluster, principalArn=OPS)


def token(
    url: str,
    cluster: str,
    key: str = ACCESS_KEY,
    secret: str = SECRET_KEY,
    session: str | None = None,
    at: datetime | None = None,
    monkeypatch: pytest.MonkeyPatch | None = None,
) -> str:
    """What `aws eks get-token` makes; signed at another time with `at`."""
    if at is not None:
        assert monkeypatch is not None
        monkeypatch.setattr(auth, "get_current_datetime", lambda **_: at)
    query = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
    request = AWSRequest("GET", f"{url}/?{urlencode(query)}", headers={tokens.CLUSTER_HEADER: cluster})
    auth.SigV4QueryAuth(Credentials(key, secret, session), "sts", "us-east-1", expires=60).add_auth(request)
    return encoded(str(request.url))


def encoded(url: str) -> str:
    return tokens.PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def review(api: Cloud, text: str) -> dict[str, Any]:
    document = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": text}}
    answer = api.own("POST", "token-review", document)
    assert (answer["apiVersion"], answer["kind"]) == ("authentication.k8s.io/v1", "TokenReview")
    return answer["status"]


def denied(api: Cloud, text: str) -> str:
    """Why a token is not accepted."""
    status = review(api, text)
    assert status["authenticated"] is False
    assert "user" not in status
    return status["error"]


def test_access_entry(eks: Any, cluster: str) -> None:
    where = {"clusterName": cluster, "principalArn": OPS}
    made = eks.create_access_entry(**where, kubernetesGroups=["viewers"], tags={"a": "b"})["accessEntry"]
    assert (made["type"], made["kubernetesGroups"], made["tags"]) == ("STANDARD", ["viewers"], {"a": "b"})
    assert made["username"] == "arn:aws:sts::123456789012:assumed-role/ops/{{SessionName}}", "without the role's path"
    eks.update_access_entry(**where, kubernetesGroups=["editors"], username="ops:{{SessionName}}")
    read = eks.describe_access_entry(**where)["accessEntry"]
    assert (read["kubernetesGroups"], read["username"]) == (["editors"], "ops:{{SessionName}}")
    assert OPS in eks.list_access_entries(clusterName=cluster)["accessEntries"]
    with refused("ResourceInUseException"):
        eks.create_access_entry(**where)
    eks.delete_access_entry(**where)
    for call in (eks.describe_access_entry, eks.delete_access_entry):
        with refused("ResourceNotFoundException"):
            call(**where)


def test_access_policy_association(eks: Any, cluster: str, ops: Any) -> None:
    where = {"clusterName": cluster, "principalArn": OPS}
    edit = POLICY.format("AmazonEKSEditPolicy")
    scope = {"type": "namespace", "namespaces": ["training"]}
    made = eks.associate_access_policy(**where, policyArn=edit, accessScope=scope)["associatedAccessPolicy"]
    assert (made["policyArn"], made["accessScope"]) == (edit, scope)
    eks.associate_access_policy(**where, policyArn=edit, accessScope={"type": "cluster"})
    [listed] = eks.list_associated_access_policies(**where)["associatedAccessPolicies"]
    assert listed["accessScope"]["type"] == "cluster", "a second association replaces the first"
    assert eks.list_access_entries(clusterName=cluster, associatedPolicyArn=edit)["accessEntries"] == [OPS]
    with refused("ResourceNotFoundException"):
        eks.associate_access_policy(**where, policyArn=POLICY.format("Bogus"), accessScope={"type": "cluster"})
    with refused("InvalidParameterException", "namespaces"):
        eks.associate_access_policy(**where, policyArn=edit, accessScope={"type": "namespace"})
    eks.disassociate_access_policy(**where, policyArn=edit)
    assert eks.list_associated_access_policies(**where)["associatedAccessPolicies"] == []
    with refused("ResourceNotFoundException"):
        eks.disassociate_access_policy(**where, policyArn=edit)


def test_every_access_policy_that_can_be_listed_gives_a_group(eks: Any) -> None:
    listed = {entry["name"] for entry in eks.list_access_policies()["accessPolicies"]}
    assert listed == set(tokens.GROUPS)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"principalArn": "arn:aws:s3:::bucket"}, "InvalidParameterException"),
        ({"principalArn": "somebody"}, "InvalidParameterException"),
        ({"kubernetesGroups": ["system:masters"]}, "InvalidParameterException"),
        ({"username": "eks:me"}, "InvalidParameterException"),
        ({"type": "EC2_LINUX", "kubernetesGroups": ["x"]}, "InvalidParameterException"),
        ({"type": "SOMETHING"}, "InvalidParameterException"),
        ({"clusterName": "none"}, "ResourceNotFoundException"),
    ],
)
def test_an_access_entry_that_eks_would_refuse_is_refused(
    eks: Any, cluster: str, wrong: dict[str, Any], code: str
) -> None:
    with refused(code):
        eks.create_access_entry(**{"clusterName": cluster, "principalArn": OPS, **wrong})


def test_a_cluster_with_a_config_map_takes_no_access_entries(eks: Any, make_cluster: Any) -> None:
    make_cluster("map", accessConfig={"authenticationMode": "CONFIG_MAP"})
    with refused("InvalidRequestException", "authentication mode"):
        eks.create_access_entry(clusterName="map", principalArn=OPS)
    eks.delete_cluster(name="map")


def test_the_creator_is_cluster_admin_only_where_that_was_asked_for(eks: Any, make_cluster: Any, cluster: str) -> None:
    assert eks.list_access_entries(clusterName=cluster)["accessEntries"] == [MOTO]
    [policy] = eks.list_associated_access_policies(clusterName=cluster, principalArn=MOTO)["associatedAccessPolicies"]
    assert policy["policyArn"] == POLICY.format("AmazonEKSClusterAdminPolicy")
    make_cluster("bare", accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False})
    assert eks.list_access_entries(clusterName="bare")["accessEntries"] == []
    eks.delete_cluster(name="bare")


def test_the_token_of_the_real_command_is_accepted(api: Cloud, cluster: str, tmp_path: Path) -> None:
    aws_command = Path(sys.executable).with_name("aws")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_ENDPOINT_URL": api.url,
    }
    command = [aws_command, "eks", "get-token", "--region", "us-east-1", "--cluster-name", cluster]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    status = review(api, json.loads(done.stdout)["status"]["token"])
    assert status["authenticated"] is True
    assert status["user"]["username"] == MOTO
    assert status["user"]["groups"] == ["system:masters"]
    assert status["user"]["extra"]["accessKeyId"] == [ACCESS_KEY]


def assumed(api: Cloud, name: str = "ann@example.com") -> tuple[str, str, str]:
    keys = api.client("sts").assume_role(RoleArn=OPS, RoleSessionName=name)["Credentials"]
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]


def test_an_assumed_role_is_found_by_its_role_and_named_by_its_session(
    api: Cloud, eks: Any, cluster: str, ops: Any
) -> None:
    eks.update_access_entry(clusterName=cluster, principalArn=OPS, kubernetesGroups=["viewers"])
    for name, scope in (
        ("AmazonEKSViewPolicy", {"type": "cluster"}),
        ("AmazonEKSAdminPolicy", {"type": "namespace", "namespaces": ["a", "b"]}),
    ):
        eks.associate_access_policy(
            clusterName=cluster, principalArn=OPS, policyArn=POLICY.format(name), accessScope=scope
        )
    key, secret, session = assumed(api)
    user = review(api, token(api.url, cluster, key, secret, session))["user"]
    assert user["username"] == "arn:aws:sts::123456789012:assumed-role/ops/ann-example.com"
    assert user["groups"] == ["viewers", "eks:view", "eks:admin:namespace:a", "eks:admin:namespace:b"]
    assert user["extra"]["sessionName"] == ["ann@example.com"]
    assert "has no access entry in cluster other" in denied(api, token(api.url, "other", key, secret, session))


def test_an_iam_user_is_found_by_its_access_key(api: Cloud, eks: Any, cluster: str) -> None:
    iam = api.client("iam")
    user = iam.create_user(UserName="ann")["User"]["Arn"]
    keys = iam.create_access_key(UserName="ann")["AccessKey"]
    made = token(api.url, cluster, keys["AccessKeyId"], keys["SecretAccessKey"])
    assert f"{user} has no access entry" in denied(api, made)
    eks.create_access_entry(clusterName=cluster, principalArn=user, kubernetesGroups=["ml"])
    found = review(api, made)["user"]
    assert (found["username"], found["groups"]) == (user, ["ml"])
    wrong = token(api.url, cluster, keys["AccessKeyId"], "not the secret")
    assert "wrong secret key" in denied(api, wrong)


def test_the_local_account_is_also_found_under_the_arn_that_sts_tells(api: Cloud, eks: Any, cluster: str) -> None:
    told = api.client("sts").get_caller_identity()["Arn"]
    eks.delete_access_entry(clusterName=cluster, principalArn=MOTO)
    assert "no access entry" in denied(api, token(api.url, cluster))
    eks.create_access_entry(clusterName=cluster, principalArn=told, kubernetesGroups=["told"])
    assert review(api, token(api.url, cluster))["user"]["groups"] == ["told"]
    eks.delete_access_entry(clusterName=cluster, principalArn=told)
    eks.create_access_entry(clusterName=cluster, principalArn=MOTO)


def test_a_token_is_for_one_cluster(api: Cloud, eks: Any, cluster: str) -> None:
    eks.update_access_entry(clusterName="other", principalArn=MOTO, kubernetesGroups=["other-group"])
    assert "other-group" in review(api, token(api.url, "other"))["user"]["groups"]
    assert "other-group" not in review(api, token(api.url, cluster))["user"]["groups"]
    reason = denied(api, token(api.url, "nowhere"))
    assert "no cluster of the local cloud" in reason
    assert "main, other" in reason


def test_a_token_lives_fifteen_minutes(api: Cloud, cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime.now(UTC).replace(tzinfo=None)
    old = token(api.url, cluster, at=now - timedelta(minutes=16), monkeypatch=monkeypatch)
    assert "expired" in denied(api, old)
    early = token(api.url, cluster, at=now + timedelta(minutes=16), monkeypatch=monkeypatch)
    assert "expired" in denied(api, early)
    young = token(api.url, cluster, at=now - timedelta(minutes=14), monkeypatch=monkeypatch)
    assert review(api, young)["authenticated"] is True


def test_an_unknown_key_and_a_stolen_session_are_refused(api: Cloud, cluster: str) -> None:
    assert "access key nobody is not known" in denied(api, token(api.url, cluster, key="nobody"))
    key, secret, _ = assumed(api)
    for session in (None, "made up"):
        assert "session token" in denied(api, token(api.url, cluster, key, secret, session))


def altered(made: str, **changes: str) -> str:
    text = made.removeprefix(tokens.PREFIX)
    parts = urlsplit(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
    query = {key: values[0] for key, values in parse_qs(parts.query).items()} | changes
    return encoded(parts._replace(query=urlencode(query)).geturl())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Action": "AssumeRole"}, "not a presigned GetCallerIdentity"),
        ({"X-Amz-SignedHeaders": "host"}, "not a presigned GetCallerIdentity"),
        ({"X-Amz-Credential": "test/20200101/us-east-1/s3/aws4_request"}, "not a presigned GetCallerIdentity"),
        ({"X-Amz-Credential": "test"}, "not a presigned STS request"),
        ({"X-Amz-Date": "yesterday"}, "not a presigned STS request"),
        ({"X-Amz-Expires": "3600"}, "no cluster of the local cloud"),
        ({"X-Amz-Signature": "0" * 64}, "no cluster of the local cloud"),
    ],
)
def test_an_altered_token_is_refused(api: Cloud, cluster: str, changes: dict[str, str], reason: str) -> None:
    made = token(api.url, cluster)
    assert review(api, made)["authenticated"] is True
    assert reason in denied(api, altered(made, **changes))


@pytest.mark.parametrize("text", ["", "eyJhbGciOi.x.y", "k8s-aws-v1.", "k8s-aws-v1.%%%", "k8s-aws-v1.aGVsbG8"])
def test_what_is_no_token_is_refused_with_a_reason(api: Cloud, text: str) -> None:
    assert denied(api, text)


@pytest.mark.parametrize("document", [None, [], {}, {"kind": "Pod"}])
def test_what_is_no_token_review_is_a_bad_request(api: Cloud, document: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        api.own("POST", "token-review", document)
    assert caught.value.code == 400


def test_a_node_entry_admits_nobody_by_token(api: Cloud, eks: Any, cluster: str) -> None:
    eks.create_access_entry(clusterName=cluster, principalArn=OPS, type="EC2_LINUX")
    key, secret, session = assumed(api)
    assert "EC2_LINUX" in denied(api, token(api.url, cluster, key, secret, session))
    with refused("InvalidRequestException", "EC2_LINUX"):
        eks.associate_access_policy(
            clusterName=cluster,
            principalArn=OPS,
            policyArn=POLICY.format("AmazonEKSViewPolicy"),
            accessScope={"type": "cluster"},
        )
    eks.delete_access_entry(clusterName=cluster, principalArn=OPS)
