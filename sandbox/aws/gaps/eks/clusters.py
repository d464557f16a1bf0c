"""EKS clusters: create, describe, list, delete.

A cluster gets its security group in EC2 (removed with it), the VPC of its subnets, an access entry for its creator when
asked for, and the address and authority of the local API server when the process was given one.
"""

from __future__ import annotations

import base64
import time
import uuid

from sandbox.aws import tokens
from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.gaps.eks import (
    Cluster,
    Clusters,
    Entry,
    Record,
    bad_request,
    cluster_of,
    default_version,
    in_use,
    invalid,
    minor,
    page,
    role_exists,
)
from sandbox.aws.gaps.eks.access import associate, new_entry

LOG_TYPES = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
KEPT = (
    "encryptionConfig",
    "zonalShiftConfig",
    "remoteNetworkConfig",
    "computeConfig",
    "storageConfig",
    "controlPlaneScalingConfig",
    "kubeApiServerConfig",
    "kubeSchedulerConfig",
    "kubeControllerManagerConfig",
)
"""Members of CreateCluster that are answered as they were given."""


@serves("eks", "CreateCluster")
def create(call: Call) -> Record:
    given = call.params
    name, clusters = given["name"], call.store(Clusters).by_name
    if name in clusters:
        raise in_use(f"Cluster already exists with name: {name}", clusterName=name)
    if given.get("outpostConfig"):
        raise call.not_available("outpostConfig")
    version = given.get("version") or default_version()
    minor(version)
    role_exists(call, given["roleArn"], "Role with arn")
    access = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}
    access |= given.get("accessConfig") or {}
    record: Record = {
        "name": name,
        "arn": call.arn(f"cluster/{name}"),
        "createdAt": time.time(),
        "version": version,
        "roleArn": given["roleArn"],
        "resourcesVpcConfig": networking(call, given["resourcesVpcConfig"]),
        "kubernetesNetworkConfig": service_network(given.get("kubernetesNetworkConfig") or {}),
        "logging": logging(given.get("logging") or {}),
        "identity": {"oidc": {"issuer": f"https://oidc.eks.{call.region}.amazonaws.com/id/{_hex(32)}"}},
        "status": "ACTIVE",
        "platformVersion": "eks.1",
        "tags": given.get("tags") or {},
        "health": {"issues": []},
        "accessConfig": access,
        "upgradePolicy": given.get("upgradePolicy") or {"supportType": "EXTENDED"},
        "deletionProtection": bool(given.get("deletionProtection")),
        **{member: given[member] for member in KEPT if given.get(member) is not None},
    }
    record["resourcesVpcConfig"]["clusterSecurityGroupId"] = _security_group(call, record)
    clusters[name] = Cluster(record)
    if access["bootstrapClusterCreatorAdminPermissions"] and access["authenticationMode"] != "CONFIG_MAP":
        admit_creator(call, clusters[name])
    return {"cluster": {**shown(call, record), "status": "CREATING"}}


@serves("eks", "DescribeCluster")
def describe(call: Call) -> Record:
    return {"cluster": shown(call, cluster_of(call, "name").record)}


@serves("eks", "ListClusters")
def list_names(call: Call) -> Record:
    return page(call, sorted(call.store(Clusters).by_name), "clusters")


@serves("eks", "DeleteCluster")
def delete(call: Call) -> Record:
    cluster = cluster_of(call, "name")
    if cluster.record["deletionProtection"]:
        raise bad_request(f"Cluster {cluster.name} has deletion protection enabled", clusterName=cluster.name)
    if cluster.nodegroups:
        names = ",".join(cluster.nodegroups)
        raise in_use("Cluster has nodegroups attached", clusterName=cluster.name, nodegroupName=names)
    del call.store(Clusters).by_name[cluster.name]
    _remove_security_group(call, cluster.record["resourcesVpcConfig"]["clusterSecurityGroupId"])
    return {"cluster": {**shown(call, cluster.record), "status": "DELETING"}}


def shown(call: Call, record: Record) -> Record:
    """A cluster as DescribeCluster answers it: with the address and authority of the local API server."""
    endpoint = call.options.cluster_endpoint or f"https://{_hex(32, record['arn'])}.gr7.{call.region}.eks.amazonaws.com"
    authority = call.options.cluster_ca.read_bytes() if call.options.cluster_ca else record["arn"].encode()
    data = base64.b64encode(authority).decode()
    return {**record, "endpoint": endpoint, "certificateAuthority": {"data": data}}


def networking(call: Call, given: Record) -> Record:
    """`resourcesVpcConfig` with what EKS adds. Raises InvalidParameterException for unusable subnets or groups."""
    ec2 = call.backend("ec2")
    subnet_ids, group_ids = given.get("subnetIds") or [], given.get("securityGroupIds") or []
    known = {subnet.id: subnet for zone in ec2.subnets.values() for subnet in zone.values()}
    missing = [subnet for subnet in subnet_ids if subnet not in known]
    if missing:
        raise invalid(f"The subnet ID '{missing[0]}' does not exist")
    if len({known[subnet].availability_zone for subnet in subnet_ids}) < 2:
        raise invalid("Subnets specified must be in at least two different AZs")
    vpcs = {known[subnet].vpc_id for subnet in subnet_ids}
    if len(vpcs) > 1:
        raise invalid("Subnets specified must belong to the same VPC")
    for group in group_ids:
        if ec2.get_security_group_from_id(group) is None:
            raise invalid(f"The security group '{group}' does not exist")
    public = given.get("endpointPublicAccess", True)
    private = given.get("endpointPrivateAccess", False)
    if not public and not private:
        raise invalid("Private and public endpoint access cannot be false")
    kept = {"controlPlaneEgressMode": given["controlPlaneEgressMode"]} if given.get("controlPlaneEgressMode") else {}
    return {
        "subnetIds": subnet_ids,
        "securityGroupIds": group_ids,
        "vpcId": vpcs.pop(),
        "endpointPublicAccess": public,
        "endpointPrivateAccess": private,
        "publicAccessCidrs": given.get("publicAccessCidrs") or (["0.0.0.0/0"] if public else []),
        **kept,
    }


def service_network(given: Record) -> Record:
    family = given.get("ipFamily") or "ipv4"
    network: Record = {
        "ipFamily": family,
        "elasticLoadBalancing": given.get("elasticLoadBalancing") or {"enabled": False},
    }
    if family == "ipv6":
        return {**network, "serviceIpv6Cidr": "fd00:ec2::/108"}
    return {**network, "serviceIpv4Cidr": given.get("serviceIpv4Cidr") or "172.20.0.0/16"}


def logging(given: Record) -> Record:
    """All log types, enabled or not, as EKS answers them."""
    on = {kind for part in given.get("clusterLogging") or [] if part.get("enabled") for kind in part.get("types") or []}
    parts = [
        (True, [kind for kind in LOG_TYPES if kind in on]),
        (False, [kind for kind in LOG_TYPES if kind not in on]),
    ]
    return {"clusterLogging": [{"types": types, "enabled": enabled} for enabled, types in parts if types]}


def admit_creator(call: Call, cluster: Cluster) -> None:
    """An access entry with the cluster admin policy for whoever called."""
    caller = tokens.principal(call.target.access_key, call.account, call.region)
    cluster.entries[caller.arn] = Entry(new_entry(call, cluster, caller.arn))
    associate(cluster.entries[caller.arn], ADMIN_POLICY, {"type": "cluster", "namespaces": []}, call.partition)


def _security_group(call: Call, record: Record) -> str:
    """The cluster security group: named as EKS names it, open to itself."""
    ec2, name = call.backend("ec2"), record["name"]
    tags = {"Name": f"eks-cluster-sg-{name}", f"kubernetes.io/cluster/{name}": "owned", "aws:eks:cluster-name": name}
    group = ec2.create_security_group(
        f"eks-cluster-sg-{name}-{uuid.uuid4().int % 10**9}",
        "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
        "as well as any managed workloads.",
        vpc_id=record["resourcesVpcConfig"]["vpcId"],
        tags=tags,
    )
    own = [{"GroupId": group.id}]
    ec2.authorize_security_group_ingress(group.id, "-1", None, None, [], source_groups=own)
    return group.id


def _remove_security_group(call: Call, group: str) -> None:
    """EKS leaves the group behind when others still use it; so do we."""
    from moto.ec2.exceptions import EC2ClientError

    try:
        call.backend("ec2").delete_security_group(group_id=group)
    except EC2ClientError:
        return


def _hex(length: int, seed: str | None = None) -> str:
    made = uuid.uuid5(uuid.NAMESPACE_URL, seed) if seed else uuid.uuid4()
    return made.hex[:length].upper()
