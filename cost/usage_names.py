"""Which resources a name of a usage file means: logical names, wildcards, and addresses as Terraform writes them.

`gateway`, `network-*-nat`, `aws_nat_gateway.gateway[0]`, `module.vpc.aws_nat_gateway.this["a"]`. What stands before the
last dot is Terraform's name of a type, or a Pulumi token, and then only resources of that type are meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

TERRAFORM = re.compile(r"(aws|google|azurerm|kubernetes)_\w+")
INDEX = re.compile(r"(\[[^\]]*\])+$")
OUTSIDE = re.compile(r"""\.(?![^\[]*\])""")
"""A dot that is not between brackets."""
MODULES = {"rds": "db", "directconnect": "dx", "cloudfunctionsv2": "cloudfunctions2", "cfg": "config"}
"""What Terraform calls the service, where Pulumi has another name."""
IRREGULAR = {
    "aws:alb/loadBalancer:LoadBalancer": "aws_alb",
    "aws:applicationloadbalancing/loadBalancer:LoadBalancer": "aws_lb",
    "aws:cfg/recorder:Recorder": "aws_config_configuration_recorder",
    "aws:cfg/rule:Rule": "aws_config_config_rule",
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:ec2/dedicatedHost:DedicatedHost": "aws_ec2_host",
    "aws:ec2transitgateway/transitGateway:TransitGateway": "aws_ec2_transit_gateway",
    "aws:elasticloadbalancing/loadBalancer:LoadBalancer": "aws_elb",
    "aws:elasticloadbalancingv2/loadBalancer:LoadBalancer": "aws_lb",
    "aws:elb/loadBalancer:LoadBalancer": "aws_elb",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:s3/bucketV2:BucketV2": "aws_s3_bucket",
    "gcp:certificateauthority/authority:Authority": "google_privateca_certificate_authority",
    "gcp:tpu/v2Vm:V2Vm": "google_tpu_v2_vm",
}
"""Names that follow from no rule."""


@cache
def matches(pattern: str, name: str, kind: str = "") -> bool:
    """Whether a name of a usage file means the resource of this name and type."""
    if name == pattern or _wild(pattern, name):
        return True
    if ":" in pattern:
        token, _, last = pattern.rpartition(".")
        return token == kind and _last(last, name)
    *before, last = OUTSIDE.split(pattern)
    if not before:
        return _last(last, name)
    if TERRAFORM.fullmatch(before[-1]):
        # A type that nobody here knows by this name cannot tell resources apart: the exact name decides.
        stranger = "*" not in last and (not kind or not is_known(before[-1]))
        return _last(last, name) and (stranger or is_type(before[-1], kind))
    return name == INDEX.sub("", last)


def last_part(pattern: str) -> str:
    """The part of a name that is the resource's own, without an index."""
    return INDEX.sub("", OUTSIDE.split(pattern)[-1])


def _last(part: str, name: str) -> bool:
    """`gateway[0]` and `this["a"]` are the resource `gateway` or `this`; `web[*]` is all of them."""
    bare = INDEX.sub("", part)
    return name in (part, bare) or _wild(bare, name) or _wild(part.replace("[*]", "*"), name)


def _wild(pattern: str, name: str) -> bool:
    return "*" in pattern and fnmatchcase(name, pattern.replace("[", "[[]"))


def is_type(given: str, token: str) -> bool:
    """Whether a name is that of a type: its token, or what Terraform calls it."""
    return given == token or _squashed(given) in _names(token)


@cache
def _names(token: str) -> frozenset[str]:
    """What Terraform may call a type, without the underscores, whose places follow from no rule."""
    return frozenset(map(_squashed, _readable(token)))


def _readable(token: str) -> Iterator[str]:
    package, service, kind = (*token.split(":"), "", "")[:3]
    package, service = "google" if package == "gcp" else package, service.partition("/")[0]
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", kind).lower()
    if token in IRREGULAR:
        yield IRREGULAR[token]
    if service == "ec2" or f"{package}_{name}" not in _of_ec2():
        yield f"{package}_{name}"
    for called in {service, MODULES.get(service, service)}:
        yield f"{package}_{called}_{name}"


@cache
def _of_ec2() -> frozenset[str]:
    """Names without a service are those of EC2: aws_instance is no database."""
    return frozenset({"aws_instance", "aws_eip", "aws_nat_gateway", "aws_vpc_endpoint", "aws_vpn_connection"})


@cache
def known_names() -> frozenset[str]:
    """Every name, as Terraform may write it, of a type with a rate or without cost."""
    from cost import registry

    return frozenset(name for token in (*registry.types(), *registry.free_types()) for name in _readable(token))


@cache
def is_known(given: str) -> bool:
    """Whether a type of this name is known here at all."""
    from cost import registry

    tokens = (*registry.types(), *registry.free_types())
    return any(is_type(given, token) for token in tokens)


def _squashed(name: str) -> str:
    return name.replace("_", "")
