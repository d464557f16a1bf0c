"""What providers would answer: which outputs are unknown in a preview, and made-up ones for mode `up`.

The made-up ones are plausible in shape and recognisable.

Only what programs hang other resources on is listed; every resource gets an id, a name and an ARN.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Inputs = Mapping[str, Any]
PREFIXES = {
    "Vpc": "vpc",
    "Subnet": "subnet",
    "SecurityGroup": "sg",
    "LaunchTemplate": "lt",
    "NatGateway": "nat",
    "InternetGateway": "igw",
    "RouteTable": "rtb",
    "Eip": "eipalloc",
    "LustreFileSystem": "fs",
}

ASKED: Mapping[str, Mapping[str, str]] = {
    "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {"id": "agent", "member": "agent"},
}
"""Functions that a program calls for what they do at the provider, with an answer that it does not use."""


def outputs(kind: str, name: str, inputs: Inputs) -> tuple[str, dict[str, Any]]:
    """The id and the outputs beyond the inputs of a resource that would have been created."""
    digest = hashlib.sha256(f"{kind}/{name}".encode()).hexdigest()[:17]
    short = kind.rsplit(":", 1)[-1]
    if kind.startswith("kubernetes:"):
        meta = inputs.get("metadata") or {}
        return "/".join(filter(None, (meta.get("namespace"), meta.get("name") or name))), {}
    if kind.startswith("gcp:"):
        return _google(kind, name, digest, inputs)
    identity = f"{PREFIXES.get(short, short.lower())}-{digest}"
    service = kind.split(":")[1].partition("/")[0] if ":" in kind else ""
    common = {"arn": f"arn:aws:{service}:us-east-1:123456789012:{identity}", "name": f"{name}-{digest[:7]}"}
    return identity, common | (OUTPUTS[kind](name, digest) if kind in OUTPUTS else {})


def _google(kind: str, name: str, digest: str, inputs: Inputs) -> tuple[str, dict[str, Any]]:
    """Google names things by path, and the last part is the name that was given or made up."""
    given = inputs.get("name") or f"{name}-{digest[:7]}"
    token = kind.rsplit(":", 1)[-1]
    identity = f"projects/invented/{token[0].lower()}{token[1:]}s/{given}"
    common = {"name": given, "selfLink": f"https://www.googleapis.com/{identity}", "etag": digest[:12]}
    return identity, common | (OUTPUTS[kind](given, digest) if kind in OUTPUTS else {})


def _account(name: str, _: str) -> dict[str, Any]:
    email = f"{name}@invented.iam.gserviceaccount.com"
    return {"email": email, "member": f"serviceAccount:{email}"}


def _cluster(name: str, digest: str) -> dict[str, Any]:
    return {
        "endpoint": f"https://{digest.upper()}.gr7.us-east-1.eks.amazonaws.com",
        "certificateAuthority": {"data": base64.b64encode(b"invented").decode()},
        "vpcConfig": {"clusterSecurityGroupId": f"sg-{digest}", "vpcId": f"vpc-{digest}"},
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.us-east-1.amazonaws.com/id/{digest.upper()}"}]}],
        "name": name,
    }


OUTPUTS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "aws:eks/cluster:Cluster": _cluster,
    "aws:eks/nodeGroup:NodeGroup": lambda name, digest: {
        "nodeGroupName": f"{name}-{digest[:7]}",
        "resources": [{"autoscalingGroups": [{"name": f"eks-{name}-{digest}"}]}],
    },
    "aws:ec2/launchTemplate:LaunchTemplate": lambda *_: {"latestVersion": 1, "defaultVersion": 1},
    "aws:ec2/vpc:Vpc": lambda _, digest: {
        "defaultSecurityGroupId": f"sg-{digest}",
        "defaultRouteTableId": f"rtb-{digest}",
    },
    "aws:ecr/repository:Repository": lambda name, _: {
        "repositoryUrl": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{name}"
    },
    "aws:fsx/lustreFileSystem:LustreFileSystem": lambda _, digest: {
        "dnsName": f"fs-{digest}.fsx.us-east-1.amazonaws.com",
        "mountName": digest[:8],
    },
    "gcp:container/cluster:Cluster": lambda *_: {
        "endpoint": "10.0.0.2",
        "masterAuth": {"clusterCaCertificate": base64.b64encode(b"invented").decode()},
    },
    "gcp:projects/serviceIdentity:ServiceIdentity": _account,
    "gcp:serviceaccount/account:Account": _account,
    "gcp:logging/projectSink:ProjectSink": lambda *_: {"writerIdentity": "serviceAccount:sink@invented"},
    "gcp:lustre/instance:Instance": lambda *_: {"mountPoint": "10.0.0.3@tcp:/lustre"},
    "gcp:filestore/instance:Instance": lambda *_: {"networks": [{"ipAddresses": ["10.0.0.4"]}]},
    "gcp:storage/bucket:Bucket": lambda name, _: {"url": f"gs://{name}"},
    "aws:kms/key:Key": lambda _, digest: {"keyId": digest},
    "aws:s3/bucket:Bucket": lambda name, digest: {
        "bucket": f"{name}-{digest[:7]}",
        "bucketDomainName": f"{name}-{digest[:7]}.s3.amazonaws.com",
        "bucketRegionalDomainName": f"{name}-{digest[:7]}.s3.us-east-1.amazonaws.com",
    },
}

NESTED: dict[str, tuple[tuple[str, str], ...]] = {
    "aws:eks/cluster:Cluster": (("vpcConfig", "clusterSecurityGroupId"), ("vpcConfig", "vpcId")),
    "gcp:container/cluster:Cluster": (("masterAuth", "clusterCaCertificate"),),
}
"""Outputs inside an input object. Providers answer them as unknown in a preview; merely echoed, the object would say
that they are absent."""
