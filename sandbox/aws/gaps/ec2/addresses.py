"""EC2 Elastic IPs, NAT gateways, subnets: what hangs on what, and what moto leaves behind when it is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.gaps.ec2 import Record, drop_tags
from sandbox.aws.wire import ApiError


def _address(call: Call, allocation: str) -> Any:
    return next((entry for entry in call.backend("ec2").addresses if entry.allocation_id == allocation), None)


@amends("ec2", "AllocateAddress")
def allocate(call: Call) -> Record:
    return {**call.native(), "NetworkBorderGroup": call.region, "PublicIpv4Pool": "amazon"}


@amends("ec2", "DescribeAddresses")
def describe_addresses(call: Call) -> Record:
    answer = call.native()
    for entry in answer.get("Addresses") or []:
        entry.update(NetworkBorderGroup=call.region, PublicIpv4Pool="amazon")
        for empty in ("InstanceId", "NetworkInterfaceId"):
            if not entry.get(empty):
                entry.pop(empty, None)
    return answer


@amends("ec2", "ReleaseAddress")
def release(call: Call) -> Record:
    """An address in use cannot be released."""
    allocation = call.params.get("AllocationId") or ""
    found = _address(call, allocation)
    if found is not None and found.association_id:
        text = f"Address with allocation id {allocation} cannot be released because it is in use."
        raise ApiError("InvalidIPAddress.InUse", text)
    answer = call.native()
    drop_tags(call, allocation)
    return answer


@amends("ec2", "CreateNatGateway")
def create_nat(call: Call) -> Record:
    allocation = call.params.get("AllocationId") or ""
    found = _address(call, allocation)
    if found is not None and found.association_id:
        raise ApiError("Resource.AlreadyAssociated", f"{allocation} is already associated")
    return call.native()


@amends("ec2", "DescribeNatGateways")
def describe_nats(call: Call) -> Record:
    known = call.backend("ec2").nat_gateways
    for identity in call.params.get("NatGatewayIds") or []:
        if identity not in known:
            raise ApiError("NatGatewayNotFound", f"The Nat Gateway {identity} was not found")
    answer = call.native()
    for entry in answer.get("NatGateways") or []:
        deleted = getattr(known[entry["NatGatewayId"]], "deleted_at", None)
        if deleted:
            entry["DeleteTime"] = deleted
    return answer


@amends("ec2", "DeleteNatGateway")
def delete_nat(call: Call) -> Record:
    """As in AWS a deleted gateway stays visible, in state deleted; its network interface goes, its address is free."""
    ec2, identity = call.backend("ec2"), call.params["NatGatewayId"]
    gateway = ec2.nat_gateways.get(identity)
    if gateway is None:
        raise ApiError("NatGatewayNotFound", f"The Nat Gateway {identity} was not found")
    answer = call.native()
    gateway.deleted_at = datetime.now(UTC)
    for entry in gateway.nat_gateway_addresses:
        ec2.enis.pop(entry.get("networkInterfaceId"), None)
        address = _address(call, entry.get("allocationId") or "")
        if address is not None:
            address.eni = address.association_id = None
    drop_tags(call, identity)
    return answer


@amends("ec2", "DeleteSubnet")
def delete_subnet(call: Call) -> Record:
    """moto deletes a subnet under whatever lives in it."""
    identity = call.params["SubnetId"]
    users = list(_users(call, identity))
    if users:
        text = f"The subnet '{identity}' has dependencies and cannot be deleted: {', '.join(users)}"
        raise ApiError("DependencyViolation", text)
    answer = call.native()
    drop_tags(call, identity)
    return answer


def _users(call: Call, subnet: str) -> Iterator[str]:
    from sandbox.aws.gaps.eks import Clusters

    ec2 = call.backend("ec2")
    yield from (eni.id for eni in ec2.enis.values() if eni.subnet.id == subnet)
    for cluster in call.store(Clusters).by_name.values():
        if subnet in cluster.record["resourcesVpcConfig"]["subnetIds"]:
            yield cluster.record["arn"]
        yield from (group["nodegroupArn"] for group in cluster.nodegroups.values() if subnet in group["subnets"])
    for entry in call.backend("fsx").file_systems.values():
        if subnet in entry.subnet_ids:
            yield entry.file_system_id
