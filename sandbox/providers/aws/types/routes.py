"""Route tables, routes and associations."""

from __future__ import annotations

import zlib
from typing import Any

from sandbox.providers import wire
from sandbox.providers.aws import tags
from sandbox.providers.aws.cloud import AwsError
from sandbox.providers.aws.record import Api, Record, Resource, Step, first
from sandbox.providers.aws.shapes import whole
from sandbox.providers.aws.types.describe import find
from sandbox.providers.protocol import Fail, Props

TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "egressOnlyGatewayId": "EgressOnlyInternetGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
    "carrierGatewayId": "CarrierGatewayId",
    "localGatewayId": "LocalGatewayId",
}
DESTINATIONS = {
    "destinationCidrBlock": "DestinationCidrBlock",
    "destinationIpv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}
INLINE_DESTINATIONS = {
    "cidrBlock": "DestinationCidrBlock",
    "ipv6CidrBlock": "DestinationIpv6CidrBlock",
    "destinationPrefixListId": "DestinationPrefixListId",
}


def _table(api: Api, table_id: str) -> Any:
    return first(api("describe_route_tables", RouteTableIds=[table_id])["RouteTables"])


def _inline(route: Props) -> dict[str, Any]:
    names = INLINE_DESTINATIONS | TARGETS
    unknown = sorted(key for key, value in route.items() if key not in names and value)
    if unknown:
        raise Fail(
            f"input routes.{unknown[0]} of aws:ec2/routeTable:RouteTable is not supported in the local environment"
        )
    return {names[key]: value for key, value in route.items() if value}


def _sync_routes(api: Api, r: Resource) -> None:
    """Make the table's own routes those of `routes`."""
    wanted = [_inline(route) for route in r["routes"] or []]
    now = _own_routes(_table(api, r.id))
    for route in now:
        destination = {key: value for key, value in _inline(route).items() if key.startswith("Destination")}
        if not any(destination.items() <= other.items() for other in wanted):
            api("delete_route", RouteTableId=r.id, **destination)
    for route in wanted:
        exists = any(_destination(_inline(other)) == _destination(route) for other in now)
        api("replace_route" if exists else "create_route", RouteTableId=r.id, **route)


def _destination(route: dict[str, Any]) -> Any:
    return next((value for key, value in route.items() if key.startswith("Destination")), None)


def _own_routes(table: Any) -> list[Props]:
    """Routes that were made by CreateRoute and belong to no endpoint, in the shape of `routes`."""
    names = {theirs: ours for ours, theirs in (INLINE_DESTINATIONS | TARGETS).items()}
    return [
        {names[key]: value for key, value in route.items() if key in names}
        for route in table.get("Routes", [])
        if route.get("GatewayId") != "local" and not str(route.get("GatewayId", "")).startswith("vpce-")
    ]


def _own_table(table: Any) -> bool:
    return not any(association.get("Main") for association in table.get("Associations", []))


def _clear_table(api: Api, r: Resource) -> None:
    for association in _table(api, r.id).get("Associations", []):
        api("disassociate_route_table", AssociationId=association["RouteTableAssociationId"])


ROUTE_TABLE = Record(
    type="aws:ec2/routeTable:RouteTable",
    service="ec2",
    create=lambda api, r: api("create_route_table", VpcId=r["vpcId"], **r.tags_argument)["RouteTable"]["RouteTableId"],
    read=lambda api, r: _table(api, r.id),
    delete=lambda api, r: api("delete_route_table", RouteTableId=r.id),
    gone=("InvalidRouteTableID.NotFound",),
    required=("vpcId",),
    force=("vpcId",),
    steps=(Step(("routes",), _sync_routes),),
    computed=("routes",),
    outputs={
        "arn": lambda _, r: r.arn("ec2", f"route-table/{r.id}"),
        "vpcId": "VpcId",
        "ownerId": lambda live, r: live.get("OwnerId") or r.account,
        # Without inline routes the table's routes belong to Route resources.
        "routes": lambda live, r: _own_routes(live) if r["routes"] is not None or r.importing else None,
    },
    tagging=tags.ec2("route-table"),
    listing=lambda api: find(api, "describe_route_tables", "RouteTables", key="RouteTableId", own=_own_table),
    clear=_clear_table,
)


def route_target(r: Resource) -> dict[str, Any]:
    """Destination and target of a Route in the API's words."""
    return {theirs: r[ours] for ours, theirs in (DESTINATIONS | TARGETS).items() if r[ours]}


def _route_id(r: Resource) -> str:
    destination = next((r[name] for name in DESTINATIONS if r[name]), "")
    if wire.unknown([r["routeTableId"], destination]):
        return wire.UNKNOWN
    # The official provider's id: r-<table><CRC-32 of the destination>.
    return f"r-{r['routeTableId']}{zlib.crc32(destination.encode())}"


def _read_route(api: Api, r: Resource) -> Any:
    wanted = {theirs: r[ours] for ours, theirs in DESTINATIONS.items() if r[ours]}
    routes = _table(api, r["routeTableId"])["Routes"]
    return next((route for route in routes if wanted and wanted.items() <= route.items()), None)


def _adopt_route(api: Api, r: Resource) -> str | None:
    found = _read_route(api, r)
    return _route_id(r) if found and route_target(r).items() <= found.items() else None


def _create_route(api: Api, r: Resource) -> str:
    api("create_route", RouteTableId=r["routeTableId"], **route_target(r))
    return _route_id(r)


def _parse_route(text: str) -> Props:
    table, _, destination = text.partition("_")
    if not destination:
        return {}
    kind = "Ipv6CidrBlock" if ":" in destination else "PrefixListId" if destination.startswith("pl-") else "CidrBlock"
    return {"routeTableId": table, f"destination{kind}": destination}


def _route_output(theirs: str) -> Any:
    return lambda live, _: live.get(theirs)


ROUTE = Record(
    type="aws:ec2/route:Route",
    service="ec2",
    create=_create_route,
    read=_read_route,
    delete=lambda api, r: api(
        "delete_route", RouteTableId=r["routeTableId"], **{b: r[a] for a, b in DESTINATIONS.items() if r[a]}
    ),
    gone=("InvalidRouteTableID.NotFound", "InvalidRoute.NotFound"),
    required=("routeTableId",),
    force=("routeTableId", *DESTINATIONS),
    steps=(
        Step(
            tuple(TARGETS),
            lambda api, r: api("replace_route", RouteTableId=r["routeTableId"], **route_target(r)),
            at_create=False,
        ),
    ),
    outputs={
        "routeTableId": lambda _, r: r["routeTableId"],
        "origin": "Origin",
        "state": "State",
        **{ours: _route_output(theirs) for ours, theirs in (DESTINATIONS | TARGETS).items()},
    },
    identity=_route_id,
    canonical=lambda _, r: _route_id(r),
    parse_id=_parse_route,
    exists=("RouteAlreadyExists",),
    adopt=_adopt_route,
)


# Route table association. A changed table keeps the resource but gives a new association id: found by subnet or
# gateway.


def _associations(api: Api, r: Resource) -> Any:
    ours, theirs = ("subnetId", "SubnetId") if r["subnetId"] else ("gatewayId", "GatewayId")
    if r[ours]:
        filtered = [{"Name": "association.subnet-id", "Values": [r[ours]]}] if theirs == "SubnetId" else None
        tables = whole(api, "describe_route_tables", "RouteTables", Filters=filtered)
        found = (one for table in tables for one in table.get("Associations", []) if one.get(theirs) == r[ours])
    else:
        tables = whole(api, "describe_route_tables", "RouteTables")
        everything = (one for table in tables for one in table.get("Associations", []))
        found = (one for one in everything if one["RouteTableAssociationId"] == r.id)
    return first(found)


def _reassociate(api: Api, r: Resource) -> None:
    now = _associations(api, r)
    if now["RouteTableId"] != r["routeTableId"]:
        association = now["RouteTableAssociationId"]
        api("replace_route_table_association", AssociationId=association, RouteTableId=r["routeTableId"])


def _adopt_association(api: Api, r: Resource) -> str | None:
    now = _associations(api, r)
    return now["RouteTableAssociationId"] if now and now["RouteTableId"] == r["routeTableId"] else None


def _create_association(api: Api, r: Resource) -> str:
    # Some clouds replace an existing association silently; AWS refuses, and so must this.
    now = _associations(api, r)
    if now:
        adopted = _adopt_association(api, r)
        if adopted:
            return adopted
        what = r["subnetId"] or r["gatewayId"]
        message = f"ec2:AssociateRouteTable: {what} has another route table ({now['RouteTableId']})"
        raise AwsError(message, "Resource.AlreadyAssociated")
    arguments = {"RouteTableId": r["routeTableId"], "SubnetId": r["subnetId"], "GatewayId": r["gatewayId"]}
    return api("associate_route_table", **arguments)["AssociationId"]


def _delete_association(api: Api, r: Resource) -> None:
    now = _associations(api, r)
    if now:
        api("disassociate_route_table", AssociationId=now["RouteTableAssociationId"])


def _parse_association(text: str) -> Props:
    end, _, table = text.partition("/")
    return {"subnetId" if end.startswith("subnet-") else "gatewayId": end, "routeTableId": table} if table else {}


ROUTE_TABLE_ASSOCIATION = Record(
    type="aws:ec2/routeTableAssociation:RouteTableAssociation",
    service="ec2",
    create=_create_association,
    read=_associations,
    delete=_delete_association,
    gone=("InvalidRouteTableID.NotFound", "InvalidAssociationID.NotFound", "InvalidSubnetID.NotFound"),
    required=("routeTableId",),
    force=("subnetId", "gatewayId"),
    steps=(Step(("routeTableId",), _reassociate),),
    outputs={"routeTableId": "RouteTableId", "subnetId": "SubnetId", "gatewayId": "GatewayId"},
    canonical=lambda live, _: live["RouteTableAssociationId"],
    parse_id=_parse_association,
)


RECORDS = (ROUTE_TABLE, ROUTE, ROUTE_TABLE_ASSOCIATION)
