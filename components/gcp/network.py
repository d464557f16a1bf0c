"""The network of a data center on Google Cloud: one VPC of our own making, closed until something opens it.

Holds the VPC, one subnet for nodes with ranges for pods and services, the way out (Cloud Router and NAT), firewall
rules that deny and log what nothing allows, and private services access for managed file systems and databases. It is
dual stack unless nodes have networks for GPU traffic, which belong to the pools that need them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, ip_network
from typing import Any, Literal

import pulumi
from pulumi_gcp import compute, servicenetworking
from pydantic import Field

from catalog.regions import google_zones
from components.gcp.fields import GcpZone, region_of
from components.gcp.project import GcpSite
from components.spec import Cidr, Problem, Spec

PODS, SERVICES = "pods", "services"
"""Names of the secondary ranges."""
DENY_PRIORITY, ALLOW_PRIORITY = 65000, 1000
INTERNET = "0.0.0.0/0"
INTERNET6 = "::/0"
LUSTRE_PORTS = ("988", "6988")
"""Lustre's own, and the one of GKE nodes before 1.33.2-gke.4780000, whose metadata server has the first."""
MTU = 8896
"""Largest frame of a VPC (VPC documentation, "Maximum transmission unit"): traffic of slices and storage gains."""


class GcpNetworkSpec(Spec):
    """Address ranges, zones and the way out."""

    cidr: Cidr = Field(description="Addresses of nodes, from /16 to /24. It can grow later, not shrink.")
    zones: tuple[GcpZone, ...] = Field(
        min_length=1, description="Zones of the region that pools may stand in. Add one at any time."
    )
    pod_cidr: Cidr = Field(
        IPv4Network("10.128.0.0/12"),
        description="Addresses of pods: the size of a node's share follows from max-pods of its pool (110: 256 "
        "addresses a node). Cannot be changed later.",
    )
    service_networks_cidr: Cidr = Field(
        IPv4Network("10.192.0.0/20"),
        description="Addresses that Google's managed services (Lustre, Filestore, Cloud SQL) take theirs from.",
    )
    nat: Literal["regional", "none"] = Field(
        "regional",
        description="Way out for nodes, which have no public addresses: a NAT gateway of the region, or none (images "
        "must then come from Artifact Registry).",
    )
    flow_log_sampling: float = Field(
        0.5, gt=0, le=1, description="Part of the connections that flow logs record, from 0 to 1."
    )

    def problems(self) -> Iterator[Problem]:
        if not 16 <= self.cidr.prefixlen <= 24:
            size = "large" if self.cidr.prefixlen < 16 else "small"
            yield Problem(
                ("cidr",),
                f"{self.cidr} is too {size}. Give a range from /16 to /24, such as {self.cidr.network_address}/20.",
            )
        for index, zone in enumerate(self.zones):
            if zone in self.zones[:index]:
                yield Problem(("zones", index), f"{zone} is listed twice. Remove one.")
            known = google_zones(region_of(zone))
            if known and zone not in known:
                yield Problem(("zones", index), f"{zone} is no zone. Choose one of {', '.join(known)}.")
        ranges = {"cidr": self.cidr, "pod-cidr": self.pod_cidr, "service-networks-cidr": self.service_networks_cidr}
        for key, given in list(ranges.items())[1:]:
            for other, before in ranges.items():
                if other == key:
                    break
                if given.overlaps(before):
                    yield Problem((key,), f"{given} overlaps network.{other} ({before}). Give a range of its own.")


class GcpNetwork(pulumi.ComponentResource):
    """A VPC with one subnet for nodes, pods and services."""

    network_id: pulumi.Output[str]
    network_name: pulumi.Output[str]
    subnet_id: pulumi.Output[str]
    private_services: pulumi.Resource | None
    """What managed file systems and databases wait for; None when nothing asked for it."""

    def __init__(
        self,
        name: str,
        spec: GcpNetworkSpec,
        *,
        site: GcpSite,
        service_cidr: IPv4Network,
        multi_network: bool,
        managed_services: bool,
        lustre: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`service_cidr`: addresses of Kubernetes services. `multi_network`: whether nodes have GPU networks beside
        this one. `managed_services`: whether any is to be reached; `lustre`: whether Managed Lustre is one."""
        super().__init__("aidc:gcp/network:GcpNetwork", name, None, opts)
        self._name, self._spec, self._site = name, spec, site
        child = pulumi.ResourceOptions(parent=self)
        network = compute.Network(
            f"{name}-vpc",
            description=f"Network of {site.prefix}",
            auto_create_subnetworks=False,
            enable_ula_internal_ipv6=not multi_network,
            routing_mode="REGIONAL",
            mtu=MTU,
            opts=child,
        )
        self.network_id, self.network_name = network.id, network.name
        subnet = compute.Subnetwork(
            f"{name}-nodes",
            description="Nodes, pods and services",
            network=network.id,
            region=site.region,
            ip_cidr_range=str(spec.cidr),
            stack_type="IPV4_ONLY" if multi_network else "IPV4_IPV6",
            ipv6_access_type=None if multi_network else "INTERNAL",
            private_ip_google_access=True,
            secondary_ip_ranges=[
                {"range_name": PODS, "ip_cidr_range": str(spec.pod_cidr)},
                {"range_name": SERVICES, "ip_cidr_range": str(service_cidr)},
            ],
            log_config={
                "aggregation_interval": "INTERVAL_5_SEC",
                "flow_sampling": spec.flow_log_sampling,
                "metadata": "INCLUDE_ALL_METADATA",
            },
            opts=child,
        )
        self.subnet_id = subnet.id
        if spec.nat == "regional":
            self._way_out()
        self._firewall()
        if lustre:
            self._lustre()
        self.private_services = self._private_services() if managed_services else None
        self.register_outputs({"network_id": self.network_id, "subnet_id": self.subnet_id})

    def _way_out(self) -> None:
        child = pulumi.ResourceOptions(parent=self)
        router = compute.Router(f"{self._name}-router", network=self.network_id, region=self._site.region, opts=child)
        compute.RouterNat(
            f"{self._name}-nat",
            router=router.name,
            region=self._site.region,
            nat_ip_allocate_option="AUTO_ONLY",
            source_subnetwork_ip_ranges_to_nat="ALL_SUBNETWORKS_ALL_IP_RANGES",
            # A node that pulls images and shards at once runs out of a fixed share of ports.
            enable_dynamic_port_allocation=True,
            enable_endpoint_independent_mapping=False,
            min_ports_per_vm=256,
            max_ports_per_vm=32768,
            log_config={"enable": True, "filter": "ERRORS_ONLY"},
            opts=child,
        )

    def _firewall(self) -> None:
        """Nodes and pods among themselves; everything else that comes in is refused and logged.

        The control plane is among them: its address lies in the range of the nodes, because the cluster names no range
        for it. GKE's own rule lets it in on 443 and 10250 only, and webhooks of controllers listen elsewhere (9443).
        """
        inside = [str(self._spec.cidr), str(self._spec.pod_cidr)]
        everything: list[Any] = [{"protocol": "all"}]
        compute.Firewall(
            f"{self._name}-inside",
            description="Nodes and pods among themselves",
            network=self.network_id,
            direction="INGRESS",
            priority=ALLOW_PRIORITY,
            source_ranges=inside,
            allows=[{"protocol": protocol} for protocol in ("tcp", "udp", "icmp")],
            opts=pulumi.ResourceOptions(parent=self),
        )
        for family, world in (("ipv4", INTERNET), ("ipv6", INTERNET6)):
            compute.Firewall(
                f"{self._name}-deny-{family}",
                description="Nothing comes in that no rule allows",
                network=self.network_id,
                direction="INGRESS",
                priority=DENY_PRIORITY,
                source_ranges=[world],
                denies=everything,
                log_config={"metadata": "INCLUDE_ALL_METADATA"},
                opts=pulumi.ResourceOptions(parent=self),
            )

    def _lustre(self) -> None:
        """Lustre's servers call their clients back, and come from the range of managed services (Managed Lustre
        documentation, "Configure a VPC network"; cluster-toolkit, examples/gke-managed-lustre.yaml)."""
        compute.Firewall(
            f"{self._name}-lustre",
            description="Managed Lustre to its clients",
            network=self.network_id,
            direction="INGRESS",
            priority=ALLOW_PRIORITY,
            source_ranges=[str(self._spec.service_networks_cidr)],
            allows=[{"protocol": "tcp", "ports": list(LUSTRE_PORTS)}],
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _private_services(self) -> servicenetworking.Connection:
        """A range of ours that Google's managed services take their addresses from (VPC documentation,
        "Configure private services access")."""
        child = pulumi.ResourceOptions(parent=self)
        given = ip_network(self._spec.service_networks_cidr)
        taken = compute.GlobalAddress(
            f"{self._name}-services",
            description="Addresses of managed services",
            purpose="VPC_PEERING",
            address_type="INTERNAL",
            address=str(given.network_address),
            prefix_length=given.prefixlen,
            network=self.network_id,
            opts=child,
        )
        return servicenetworking.Connection(
            f"{self._name}-peering",
            network=self.network_id,
            service="servicenetworking.googleapis.com",
            reserved_peering_ranges=[taken.name],
            opts=child,
        )


def internal(spec: GcpNetworkSpec) -> Sequence[str]:
    """Ranges from which nodes and pods speak."""
    return [str(spec.cidr), str(spec.pod_cidr)]
