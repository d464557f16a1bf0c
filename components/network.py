"""The network of a data center: a VPC over several zones, closed until something opens it.

Holds the VPC, its zones (`network_zone`), the ways out (internet and NAT gateways), endpoints that keep traffic to AWS
inside, the emptied default security group and flow logs. Security groups of machines belong to the machines.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pulumi
from pulumi_aws import ec2, vpc
from pydantic import Field

from components import tags
from components.flow_logs import FlowLogs
from components.network_layout import LARGEST_PREFIX, SMALLEST_PREFIX, layout
from components.network_zone import NetworkZone
from components.site import Site
from components.spec import Cidr, Problem, Retention, Spec, Zone

Endpoint = Literal["ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "logs", "sts"]


class NetworkSpec(Spec):
    """Address range, zones and ways out."""

    cidr: Cidr = Field(description="Address range of the VPC, from /16 to /20. Cannot be changed later.")
    zones: tuple[Zone, ...] = Field(
        min_length=1,
        description="Availability zones. Add one at any time; addresses of the others stay. EKS needs two.",
    )
    nat: Literal["single", "per-zone", "none"] = Field(
        "single",
        description="Ways out for private subnets: one NAT gateway in the first zone, one in every zone (survives the "
        "loss of a zone, no cross-zone traffic), or none (images must then come through endpoints).",
    )
    interface_endpoints: tuple[Endpoint, ...] = Field(
        (), description="AWS services reached through private endpoints in every zone instead of the NAT gateway."
    )
    flow_log_retention_days: Retention = Field(365, description="How long flow logs are kept, in days.")

    def problems(self) -> Iterator[Problem]:
        if not LARGEST_PREFIX <= self.cidr.prefixlen <= SMALLEST_PREFIX:
            size = "large" if self.cidr.prefixlen < LARGEST_PREFIX else "small"
            yield Problem(
                ("cidr",),
                f"{self.cidr} is too {size}. Give a range from /{LARGEST_PREFIX} to /{SMALLEST_PREFIX}, "
                f"for instance {self.cidr.network_address}/{LARGEST_PREFIX}.",
            )


class Network(pulumi.ComponentResource):
    """A VPC with private, intra and (unless `nat` is none) public subnets in every zone."""

    vpc_id: pulumi.Output[str]
    private_subnet_ids: dict[str, pulumi.Output[str]]
    """By zone: where nodes, pods and file systems live."""
    intra_subnet_ids: dict[str, pulumi.Output[str]]
    """By zone: where the control plane puts its interfaces."""

    def __init__(self, name: str, spec: NetworkSpec, *, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("aidc:network:Network", name, None, opts)
        self._name, self._spec, self._site = name, spec, site
        child = pulumi.ResourceOptions(parent=self)
        network = ec2.Vpc(
            f"{name}-vpc",
            cidr_block=str(spec.cidr),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=self._tags("vpc"),
            opts=child,
        )
        self.vpc_id = network.id
        # Adopting the default group without rules removes those that AWS puts there.
        ec2.DefaultSecurityGroup(
            f"{name}-default-security-group", vpc_id=network.id, tags=self._tags("closed"), opts=child
        )
        FlowLogs(
            f"{name}-flow-logs",
            site=site,
            vpc_id=network.id,
            retention_days=spec.flow_log_retention_days,
            opts=child,
        )
        self._intra = ec2.RouteTable(f"{name}-intra", vpc_id=network.id, tags=self._tags("intra"), opts=child)
        self._zones = self._make_zones()
        self._route_out()
        self._endpoints()
        self.private_subnet_ids = {zone: part.private_subnet_id for zone, part in self._zones.items()}
        self.intra_subnet_ids = {zone: part.intra_subnet_id for zone, part in self._zones.items()}
        self.register_outputs({"vpc_id": self.vpc_id, "private_subnet_ids": self.private_subnet_ids})

    def _make_zones(self) -> dict[str, NetworkZone]:
        spec = self._spec
        public = self._public_routes() if spec.nat != "none" else None
        with_nat = spec.zones if spec.nat == "per-zone" else spec.zones[:1]
        return {
            zone: NetworkZone(
                f"{self._name}-{zone}",
                subnets,
                site=self._site,
                vpc_id=self.vpc_id,
                intra_route_table_id=self._intra.id,
                public_route_table_id=public,
                nat=zone in with_nat,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for zone, subnets in layout(spec.cidr, spec.zones).items()
        }

    def _public_routes(self) -> pulumi.Output[str]:
        """Id of the public route table, known once the way out is open: a NAT gateway made before that fails."""
        child = pulumi.ResourceOptions(parent=self)
        gateway = ec2.InternetGateway(
            f"{self._name}-internet", vpc_id=self.vpc_id, tags=self._tags("internet"), opts=child
        )
        table = ec2.RouteTable(f"{self._name}-public", vpc_id=self.vpc_id, tags=self._tags("public"), opts=child)
        out = ec2.Route(
            f"{self._name}-public-out",
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        return out.route_table_id

    def _route_out(self) -> None:
        """Private subnets leave through the gateway of their zone, else through the single one."""
        shared = next((part.nat_gateway_id for part in self._zones.values() if part.nat_gateway_id), None)
        for zone, part in self._zones.items():
            gateway = part.nat_gateway_id or shared
            if gateway is not None:
                ec2.Route(
                    f"{self._name}-{zone}-out",
                    route_table_id=part.private_route_table_id,
                    destination_cidr_block="0.0.0.0/0",
                    nat_gateway_id=gateway,
                    opts=pulumi.ResourceOptions(parent=self),
                )

    def _endpoints(self) -> None:
        child = pulumi.ResourceOptions(parent=self)
        private = [part.private_route_table_id for part in self._zones.values()]
        ec2.VpcEndpoint(
            f"{self._name}-s3",
            vpc_id=self.vpc_id,
            service_name=f"com.amazonaws.{self._site.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[*private, self._intra.id],
            tags=self._tags("s3"),
            opts=child,
        )
        if not self._spec.interface_endpoints:
            return
        group = self._endpoint_group()
        for service in self._spec.interface_endpoints:
            ec2.VpcEndpoint(
                f"{self._name}-{service}",
                vpc_id=self.vpc_id,
                service_name=f"com.amazonaws.{self._site.region}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=[part.private_subnet_id for part in self._zones.values()],
                security_group_ids=[group.id],
                tags=self._tags(service),
                opts=child,
            )

    def _endpoint_group(self) -> ec2.SecurityGroup:
        child = pulumi.ResourceOptions(parent=self)
        group = ec2.SecurityGroup(
            f"{self._name}-endpoints",
            description="Interface endpoints: HTTPS from inside the VPC",
            vpc_id=self.vpc_id,
            tags=self._tags("endpoints"),
            opts=child,
        )
        vpc.SecurityGroupIngressRule(
            f"{self._name}-endpoints-https",
            security_group_id=group.id,
            description="HTTPS from inside the VPC",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ipv4=str(self._spec.cidr),
            tags=tags.component("network"),
            opts=child,
        )
        return group

    def _tags(self, role: str) -> dict[str, str]:
        return tags.component("network", name=f"{self._site.prefix}-{role}")
