"""Networks and addresses of Compute Engine, and what is placed by them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from sandbox.providers.gcp.record import Record, Resource, World
from sandbox.providers.gcp.rules import POLICY, policy_shape
from sandbox.providers.gcp.types.shapes import address, labelled, named, number
from sandbox.providers.protocol import Problem, Props

COMPUTE = "compute/v1"
NETWORK, SUBNETWORK, ROUTER = (
    "gcp:compute/network:Network", "gcp:compute/subnetwork:Subnetwork", "gcp:compute/router:Router",
)  # fmt: skip


def _network(resource: Resource, world: World) -> Props:  # noqa: ARG001
    ula = (
        {"internalIpv6Range": f"fd20:{number(resource.id) & 0xFFF:x}::/48"} if resource["enableUlaInternalIpv6"] else {}
    )
    identity = number(resource.id)
    return {"networkId": identity, "numericId": str(identity), "gatewayIpv4": "", **ula}


def _subnetwork(resource: Resource, world: World) -> Props:  # noqa: ARG001
    made = {"creationTimestamp": resource.created, "fingerprint": "", "subnetworkId": number(resource.id)}
    made["gatewayAddress"] = str(next(ipaddress.ip_network(resource["ipCidrRange"], strict=False).hosts()))
    if str(resource["stackType"] or "").endswith("IPV6"):
        prefix = f"fd20:{number(resource.id) & 0xFFF:x}:{number(resource.id) >> 12 & 0xFFF:x}::/64"
        name = "internalIpv6Prefix" if resource["ipv6AccessType"] == "INTERNAL" else "externalIpv6Prefix"
        made |= {"ipv6CidrRange": prefix, name: prefix}
    return made


def _ranges(resource: Resource) -> Iterator[Problem]:
    """Ranges are networks, and do not overlap each other."""
    given = {"ipCidrRange": resource.known("ipCidrRange")}
    for index, one in enumerate(resource.known("secondaryIpRanges") or []):
        given[f"secondaryIpRanges[{index}].ipCidrRange"] = one.get("ipCidrRange")
    parsed: dict[str, ipaddress.IPv4Network] = {}
    for path, text in given.items():
        try:
            parsed |= {path: ipaddress.IPv4Network(text)} if text else {}
        except ValueError:
            yield Problem(path, f"{path}: {text} is not an IPv4 network such as 10.0.0.0/20")
    for path, one in parsed.items():
        for other, second in parsed.items():
            if path < other and one.overlaps(second):
                yield Problem(other, f"{other}: {second} overlaps {path} {one}")


def _stack(resource: Resource) -> Iterator[Problem]:
    if str(resource.known("stackType") or "").endswith("IPV6") and not resource["ipv6AccessType"]:
        yield Problem("ipv6AccessType", "ipv6AccessType: required with this stackType; give EXTERNAL or INTERNAL")


def _global_address(resource: Resource, world: World) -> Props:  # noqa: ARG001
    given = resource["address"] or ".".join(address(resource.id).split(".")[:2]) + ".0.0"
    return {"address": given, "creationTimestamp": resource.created, "labelFingerprint": ""}


def _created(resource: Resource, world: World) -> Props:  # noqa: ARG001
    return {"creationTimestamp": resource.created}


def _traffic(resource: Resource) -> Iterator[Problem]:
    if bool(resource["allows"]) == bool(resource["denies"]):
        yield Problem("allows", "allows: give either allows or denies")


RECORDS = (
    Record(
        NETWORK,
        "projects/{project}/global/networks/{name}",
        force=("*",),
        keep=("routingMode", "networkFirewallPolicyEnforcementOrder", "mtu", "bgpAlwaysCompareMed"),
        link=COMPUTE,
        outputs=_network,
        rules=(named("name"),),
        held_by=(SUBNETWORK, "gcp:compute/firewall:Firewall", ROUTER, "gcp:container/cluster:Cluster"),
    ),
    Record(
        SUBNETWORK,
        "projects/{project}/regions/{region}/subnetworks/{name}",
        force=("network", "purpose", "description", "ipv6AccessType", "externalIpv6Prefix", "ipCollection"),
        place="region",
        link=COMPUTE,
        outputs=_subnetwork,
        rules=(named("name"), _ranges, _stack),
        refers={"network": NETWORK},
        held_by=("gcp:container/cluster:Cluster",),
    ),
    Record(
        ROUTER,
        "projects/{project}/regions/{region}/routers/{name}",
        force=("network", "encryptedInterconnectRouter"),
        place="region",
        link=COMPUTE,
        outputs=_created,
        rules=(named("name"),),
        refers={"network": NETWORK},
        members=(),
    ),
    Record(
        "gcp:compute/routerNat:RouterNat",
        "{project}/{region}/{router:short}/{name}",
        force=("type", "endpointTypes"),
        place="region",
        rules=(named("name"),),
        refers={"router": ROUTER},
    ),
    Record(
        "gcp:compute/firewall:Firewall",
        "projects/{project}/global/firewalls/{name}",
        force=("network", "direction"),
        link=COMPUTE,
        outputs=_created,
        rules=(named("name"), _traffic),
        refers={"network": NETWORK},
    ),
    Record(
        "gcp:compute/globalAddress:GlobalAddress",
        "projects/{project}/global/addresses/{name}",
        force=("*",),
        keep=("labels",),
        link=COMPUTE,
        outputs=_global_address,
        rules=(named("name"), labelled("labels")),
    ),
    Record(
        POLICY,
        "projects/{project}/regions/{region}/resourcePolicies/{name}",
        force=("*",),
        place="region",
        link=COMPUTE,
        rules=(named("name"), policy_shape),
    ),
    Record(
        "gcp:servicenetworking/connection:Connection",
        "{network}:{service}",
        naming=None,
        outputs=lambda resource, world: {"peering": str(resource["service"]).replace(".", "-")},  # noqa: ARG005
        refers={"network": NETWORK},
    ),
    Record(
        "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy",
        "projects/{project}/locations/{location}/serviceConnectionPolicies/{name}",
        force=("network", "serviceClass"),
        place="location",
        outputs=lambda resource, world: {  # noqa: ARG005
            "createTime": resource.created,
            "etag": "",
            "infrastructure": "PSC",
            "pscConnections": [],
        },
        rules=(named("name"), labelled("labels")),
        refers={"network": NETWORK},
    ),
)
