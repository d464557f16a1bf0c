"""Kubernetes token review: who an `aws eks get-token` token stands for, and in which groups.

The API server of the local cluster posts a TokenReview (authentication.k8s.io/v1) to `/_sandbox/token-review`. A token
is `k8s-aws-v1.` and, in URL-safe base64, the URL of a presigned STS GetCallerIdentity; the cluster's name is not in it
but is signed with it, as header x-k8s-aws-id. So the signature is computed again with the secret of the access key for
each emulated cluster: the one that matches is the cluster meant. Format and checks:
kubernetes-sigs/aws-iam-authenticator, pkg/token/token.go; tokens live 15 minutes.

Principals: the local account's own key (`sandbox.settings.ACCESS_KEY`) is `arn:aws:iam::<account>:user/moto`, and is
also found under `arn:aws:sts::<account>:user/moto`, which is what moto's GetCallerIdentity says; keys of IAM users are
the user; keys of assumed roles are found under the role's ARN. Left out: the aws-auth ConfigMap.

Groups. An access entry gives its own `kubernetesGroups`; each access policy associated with it adds one:

| access policy               | scope cluster      | scope namespace N              |
| --------------------------- | ------------------ | ------------------------------ |
| AmazonEKSClusterAdminPolicy | `system:masters`   | `eks:cluster-admin:namespace:N` |
| AmazonEKSAdminPolicy        | `eks:admin`        | `eks:admin:namespace:N`        |
| AmazonEKSAdminViewPolicy    | `eks:admin-view`   | `eks:admin-view:namespace:N`   |
| AmazonEKSEditPolicy         | `eks:edit`         | `eks:edit:namespace:N`         |
| AmazonEKSViewPolicy         | `eks:view`         | `eks:view:namespace:N`         |

The control plane of the sandbox binds the cluster-wide groups to the cluster roles of Kubernetes. Tokens of recorded
GKE clusters come here as well, because an API server asks one place only; `sandbox.gcp.tokens` answers for them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox.aws import native, state
from sandbox.settings import ACCESS_KEY, ACCOUNT, SECRET_KEY

PREFIX = "k8s-aws-v1."
GOOGLE_PREFIX = "ya29."
LIFETIME = timedelta(minutes=15)
CLUSTER_HEADER = "x-k8s-aws-id"
GROUPS = {
    "AmazonEKSClusterAdminPolicy": "eks:cluster-admin",
    "AmazonEKSAdminPolicy": "eks:admin",
    "AmazonEKSAdminViewPolicy": "eks:admin-view",
    "AmazonEKSEditPolicy": "eks:edit",
    "AmazonEKSViewPolicy": "eks:view",
}


class Denied(Exception):
    """The token is not accepted; the text says why."""


@dataclass(frozen=True)
class Principal:
    """Who signs with an access key. `arn` is what access entries name; `session` is set for assumed roles."""

    arn: str
    user_id: str
    secret: str
    session: str = ""
    session_token: str = ""


def principal(access_key: str, account: str, region: str) -> Principal:
    """The owner of an access key. Unknown keys are the local account itself, as in moto; `review` refuses them."""
    from moto.utilities.utils import get_partition

    for role in native.backend("sts", account, region).assumed_roles:
        if role.access_key_id == access_key:
            return Principal(role.role_arn, role.user_id, role.secret_access_key, role.session_name, role.session_token)
    iam = native.backend("iam", account, region)
    user = iam.get_user_from_access_key_id(access_key)
    if user:
        return Principal(user.arn, user.id, iam.access_keys[access_key].secret_access_key)
    return Principal(f"arn:{get_partition(region)}:iam::{account}:user/moto", account, SECRET_KEY)


def review(document: Any) -> dict[str, Any]:
    """Answer a TokenReview. Raises ValueError when the document is none."""
    if not isinstance(document, dict) or document.get("kind") != "TokenReview":
        raise ValueError("the body is no TokenReview of authentication.k8s.io/v1")
    token = (document.get("spec") or {}).get("token") or ""
    try:
        status: dict[str, Any] = {"authenticated": True, "user": _user(token)}
    except Denied as reason:
        status = {"authenticated": False, "error": str(reason)}
    version = document.get("apiVersion", "authentication.k8s.io/v1")
    return {"apiVersion": version, "kind": "TokenReview", "status": status}


def _user(token: str) -> dict[str, Any]:
    if token.startswith(GOOGLE_PREFIX):
        return _google_user(token)
    signed = _Presigned.decode(token)
    account = _account(signed.access_key)
    who = principal(signed.access_key, account, signed.region)
    if signed.session_token != who.session_token:
        raise Denied("the session token does not belong to the access key")
    cluster = _cluster(signed, who.secret, account)
    entry = next((cluster.entries[arn] for arn in _names(who.arn) if arn in cluster.entries), None)
    if entry is None:
        raise Denied(f"{who.arn} has no access entry in cluster {cluster.name}")
    if entry.record["type"] != "STANDARD":
        raise Denied(f"the access entry of {who.arn} is of type {entry.record['type']}: nodes do not come with tokens")
    session = who.session.replace("@", "-")
    username = entry.record["username"].replace("{{SessionName}}", session).replace("{{SessionNameRaw}}", who.session)
    return {
        "username": username,
        "uid": f"aws-iam-authenticator:{account}:{who.user_id}",
        "groups": groups(entry),
        "extra": {
            "accessKeyId": [signed.access_key],
            "arn": [who.arn],
            "canonicalArn": [who.arn],
            "principalId": [who.user_id],
            **({"sessionName": [who.session]} if who.session else {}),
        },
    }


def _google_user(token: str) -> dict[str, Any]:
    from sandbox.gcp import tokens
    from sandbox.settings import Settings

    try:
        return tokens.identify(Settings.load(), token)
    except tokens.Denied as reason:
        raise Denied(str(reason)) from None


def groups(entry: Any) -> list[str]:
    """Kubernetes groups of an access entry: its own, then those of its access policies."""
    found = list(entry.record["kubernetesGroups"])
    for policy in entry.policies.values():
        name, scope = GROUPS[policy["policyArn"].rsplit("/", 1)[-1]], policy["accessScope"]
        if scope["type"] == "namespace":
            found += [f"{name}:namespace:{namespace}" for namespace in scope["namespaces"]]
        else:
            found.append("system:masters" if name == "eks:cluster-admin" else name)
    return list(dict.fromkeys(found))


def _account(access_key: str) -> str:
    from moto.iam.models import get_account_id_from, iam_backends

    account = get_account_id_from(access_key)
    known = any(access_key in partition.access_keys for partition in iam_backends[account].values())
    if not known and access_key != ACCESS_KEY:
        raise Denied(f"access key {access_key} is not known to the local cloud")
    return account if known else ACCOUNT


def _names(arn: str) -> list[str]:
    """The ARNs under which a principal may stand in an access entry."""
    return [arn, arn.replace(":iam:", ":sts:", 1)] if arn.endswith(":user/moto") else [arn]


def _cluster(signed: _Presigned, secret: str, account: str) -> Any:
    from sandbox.aws.gaps.eks import Clusters

    known = [
        cluster
        for (owner, _), clusters in state.stores(Clusters).items()
        if owner == account
        for cluster in clusters.by_name.values()
    ]
    for cluster in known:
        if hmac.compare_digest(signed.signature_for(cluster.name, secret), signed.signature):
            return cluster
    names = ", ".join(sorted(cluster.name for cluster in known)) or "none"
    raise Denied(f"signed for no cluster of the local cloud, or with a wrong secret key (clusters: {names})")


@dataclass(frozen=True)
class _Presigned:
    """A presigned GetCallerIdentity, taken apart."""

    host: str
    query: tuple[tuple[str, str], ...]
    access_key: str
    scope: str
    region: str
    date: str
    signature: str
    session_token: str

    @classmethod
    def decode(cls, token: str) -> _Presigned:
        if not token.startswith(PREFIX):
            raise Denied(f"not a token of `aws eks get-token`: it must begin with {PREFIX}")
        text = token.removeprefix(PREFIX)
        try:
            url = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
            parts = urlsplit(url)
            query = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True))
            access_key, scope = query["X-Amz-Credential"].split("/", 1)
            day, region, service, end = scope.split("/")
            moment = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            signature, headers = query["X-Amz-Signature"], query["X-Amz-SignedHeaders"]
        except (binascii.Error, UnicodeDecodeError, ValueError, KeyError) as problem:
            raise Denied("the token is not a presigned STS request") from problem
        wrong = [
            query.get("Action") != "GetCallerIdentity",
            parts.path != "/",
            (service, end) != ("sts", "aws4_request"),
            headers != f"host;{CLUSTER_HEADER}",
            day != query["X-Amz-Date"][:8],
            query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256",
        ]
        if any(wrong):
            raise Denied("the token is not a presigned GetCallerIdentity with a signed cluster name")
        now = datetime.now(UTC)
        if not moment - LIFETIME < now < moment + LIFETIME:
            raise Denied(f"the token was signed at {moment:%Y-%m-%dT%H:%M:%SZ} and is expired (15 minutes)")
        pairs = tuple(sorted((k, v) for k, v in query.items() if k != "X-Amz-Signature"))
        session = query.get("X-Amz-Security-Token", "")
        return cls(parts.netloc, pairs, access_key, scope, region, query["X-Amz-Date"], signature, session)

    def signature_for(self, cluster: str, secret: str) -> str:
        """Signature Version 4 of this request, for a cluster's name in the signed header."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest(
            method="GET", url=f"https://{self.host}/", headers={CLUSTER_HEADER: cluster, "host": self.host}
        )
        request.params = dict(self.query)
        request.context["timestamp"] = self.date
        signer = SigV4QueryAuth(Credentials(self.access_key, secret), "sts", self.region)
        canonical = signer.canonical_request(request)
        return signer.signature(signer.string_to_sign(request, canonical), request)
