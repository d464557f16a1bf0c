"""EKS clusters. What belongs to them: `eks_members` and `nodegroups`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.providers.aws import tags
from sandbox.providers.aws.record import Api, Found, Naming, Output, Record, Resource, Step, at
from sandbox.providers.aws.shapes import picked, whole
from sandbox.providers.protocol import Props

GONE = ("ResourceNotFoundException",)
PENDING = ("CREATING", "UPDATING", "DELETING")
FAILED = ("FAILED", "CREATE_FAILED", "DELETE_FAILED")
ENDPOINT = ("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs")
NETWORKS = ("subnetIds", "securityGroupIds")


def tagging(arn: str = "arn", in_live: str | None = "tags") -> tags.Tagging:
    """Tags of EKS objects; `arn` is the property that holds the ARN."""
    return tags.by_arn(
        at_create="tags",
        argument="resourceArn",
        as_map=True,
        values="tags",
        keys="tagKeys",
        in_live=in_live,
        arn=lambda r, live: r[arn] or live.get(arn),
    )


def clusters(api: Api) -> list[str]:
    """Names of all clusters."""
    return whole(api, "list_clusters", "clusters")


def described(api: Api, operation: str, key: str, arn: str, **names: str) -> Found:
    """One object of a cluster as a listing shows it; its id joins `names` with a colon."""
    live = api(operation, **names)[key]
    return Found(":".join(names.values()), live.get(arn, ""), live.get("tags") or {})


def of_cluster(kind: Callable[[Api, str], Iterable[Found]]) -> Callable[[Api], list[Found]]:
    """A listing over all clusters."""
    return lambda api: [found for name in clusters(api) for found in kind(api, name)]


def merged(name: str, path: str) -> Output:
    """An object that the API reports without some of the keys that were given."""
    return lambda live, r: {**(r[name] or {}), **(at(live, path) or {})} or None


# Cluster


def _log_types(live: Any, r: Resource) -> list[str]:  # noqa: ARG001
    setups = at(live, "logging.clusterLogging") or []
    return sorted(kind for setup in setups if setup.get("enabled") for kind in setup.get("types", []))


def _logging(r: Resource) -> dict[str, Any]:
    wanted, before = r["enabledClusterLogTypes"] or [], r.old.get("enabledClusterLogTypes") or []
    setups = [{"types": list(wanted), "enabled": True}] if wanted else []
    off = sorted(set(before) - set(wanted))
    return {"clusterLogging": [*setups, *([{"types": off, "enabled": False}] if off else [])]}


def _encryption(r: Resource) -> list[Any] | None:
    given = r["encryptionConfig"]
    return [{"resources": given["resources"], "provider": given["provider"]}] if given else None


def _create_cluster(api: Api, r: Resource) -> str:
    access = r["accessConfig"]
    made = api(
        "create_cluster",
        name=r["name"],
        version=r["version"],
        roleArn=r["roleArn"],
        resourcesVpcConfig=picked(r["vpcConfig"], *NETWORKS, *ENDPOINT, "controlPlaneEgressMode"),
        kubernetesNetworkConfig=picked(
            r["kubernetesNetworkConfig"], "serviceIpv4Cidr", "ipFamily", "elasticLoadBalancing"
        ),
        logging=_logging(r) if r["enabledClusterLogTypes"] else None,
        encryptionConfig=_encryption(r),
        accessConfig=picked(access, "authenticationMode", "bootstrapClusterCreatorAdminPermissions"),
        bootstrapSelfManagedAddons=r["bootstrapSelfManagedAddons"],
        upgradePolicy=r["upgradePolicy"],
        zonalShiftConfig=r["zonalShiftConfig"],
        deletionProtection=r["deletionProtection"],
        **r.tags_argument,
    )
    return made["cluster"]["name"]


def _update_network(api: Api, r: Resource) -> None:
    """One call for each group of settings, as the API wants it."""
    for names in (ENDPOINT, NETWORKS):
        before, now = picked(r.old.get("vpcConfig"), *names), picked(r["vpcConfig"], *names)
        if now and before != now:
            api("update_cluster_config", name=r.id, resourcesVpcConfig=now)


def _config(name: str, *keys: str) -> Step:
    def run(api: Api, r: Resource) -> None:
        value = picked(r[name], *keys) if keys else r[name]
        if value is not None:
            api("update_cluster_config", name=r.id, **{name: value})

    return Step((name,), run, at_create=False)


def _encrypt(api: Api, r: Resource) -> None:
    if r["encryptionConfig"]:
        api("associate_encryption_config", clusterName=r.id, encryptionConfig=_encryption(r))


def _replaced(old: Props, _new: Props) -> Iterable[str]:
    # Encryption can be switched on, but neither off nor to another key.
    return ["encryptionConfig"] if old.get("encryptionConfig") else []


def _network_output(live: Any, r: Resource) -> dict[str, Any]:
    network = live.get("resourcesVpcConfig") or {}
    names = (*NETWORKS, *ENDPOINT, "clusterSecurityGroupId", "vpcId")
    return {
        **(r["vpcConfig"] or {}),
        **{key: value for key, value in (picked(network, *names) or {}).items() if value != []},
    }


CLUSTER = Record(
    type="aws:eks/cluster:Cluster",
    service="eks",
    create=_create_cluster,
    read=lambda api, r: api("describe_cluster", name=r.id)["cluster"],
    delete=lambda api, r: api("delete_cluster", name=r.id),
    gone=GONE,
    required=("roleArn", "vpcConfig"),
    force=(
        *("name", "roleArn", "bootstrapSelfManagedAddons", "kubernetesNetworkConfig.ipFamily"),
        *("kubernetesNetworkConfig.serviceIpv4Cidr", "accessConfig.bootstrapClusterCreatorAdminPermissions"),
        "vpcConfig.controlPlaneEgressMode",
    ),
    replaces=_replaced,
    steps=(
        Step(
            ("version",),
            lambda api, r: api(
                "update_cluster_version", name=r.id, version=r["version"], force=r["forceUpdateVersion"]
            ),
            at_create=False,
        ),
        Step(("vpcConfig",), _update_network, at_create=False),
        Step(
            ("enabledClusterLogTypes",),
            lambda api, r: api("update_cluster_config", name=r.id, logging=_logging(r)),
            at_create=False,
        ),
        _config("accessConfig", "authenticationMode"),
        _config("kubernetesNetworkConfig", "elasticLoadBalancing"),
        _config("upgradePolicy"),
        _config("zonalShiftConfig"),
        _config("deletionProtection"),
        Step(("encryptionConfig",), _encrypt, at_create=False),
    ),
    stored=("forceUpdateVersion", "defaultAddonsToRemoves"),
    naming=Naming(prefix=None, longest=100),
    identity=lambda r: r["name"],
    known=lambda r: {"arn": r.arn("eks", f"cluster/{r['name']}")},
    parse_id=lambda name: {"name": name},
    computed=(
        "version",
        "accessConfig",
        "accessConfig.authenticationMode",
        "kubernetesNetworkConfig",
        "kubernetesNetworkConfig.elasticLoadBalancing",
        "kubernetesNetworkConfig.ipFamily",
        "kubernetesNetworkConfig.serviceIpv4Cidr",
        "upgradePolicy",
        "vpcConfig.clusterSecurityGroupId",
        "vpcConfig.vpcId",
        "vpcConfig.publicAccessCidrs",
        "vpcConfig.endpointPublicAccess",
        "vpcConfig.endpointPrivateAccess",
    ),
    outputs={
        "name": "name",
        "arn": "arn",
        "version": "version",
        "roleArn": "roleArn",
        "vpcConfig": _network_output,
        "accessConfig": merged("accessConfig", "accessConfig"),
        "kubernetesNetworkConfig": merged("kubernetesNetworkConfig", "kubernetesNetworkConfig"),
        "upgradePolicy": "upgradePolicy",
        "zonalShiftConfig": lambda live, r: live.get("zonalShiftConfig") or r["zonalShiftConfig"],
        "deletionProtection": "deletionProtection",
        "bootstrapSelfManagedAddons": lambda _, r: r["bootstrapSelfManagedAddons"],
        "enabledClusterLogTypes": _log_types,
        "encryptionConfig": "encryptionConfig.0",
        "certificateAuthority": lambda live, _: picked(live.get("certificateAuthority"), "data"),
        "identities": lambda live, _: [{"oidcs": [{"issuer": at(live, "identity.oidc.issuer")}]}],
        "endpoint": "endpoint",
        "platformVersion": "platformVersion",
        "status": "status",
        "createdAt": "createdAt",
        "clusterId": "id",
    },
    status=lambda live: live.get("status"),
    pending=PENDING,
    failed=FAILED,
    tagging=tagging(),
    listing=lambda api: [described(api, "describe_cluster", "cluster", "arn", name=name) for name in clusters(api)],
)

RECORDS = (CLUSTER,)
