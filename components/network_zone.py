"""One availability zone of a network: its subnets, its private route table and, where wanted, its NAT gateway.

What leaves a zone (default routes) is decided by the network, which knows all zones.
"""

from __future__ import annotations

import pulumi
from pulumi_aws import ec2

from components import tags
from components.network_layout import ZoneLayout
from components.site import Site

ROLE_TAGS = {"public": {"kubernetes.io/role/elb": "1"}, "private": {"kubernetes.io/role/internal-elb": "1"}}
"""How load-balancer controllers find their subnets (EKS User Guide, "Subnet requirements")."""


class NetworkZone(pulumi.ComponentResource):
    """The private and intra subnets of a zone, and a public one when the network reaches the internet."""

    private_subnet_id: pulumi.Output[str]
    intra_subnet_id: pulumi.Output[str]
    private_route_table_id: pulumi.Output[str]
    nat_gateway_id: pulumi.Output[str] | None
    """The zone's own NAT gateway; None without `nat`."""

    def __init__(
        self,
        name: str,
        layout: ZoneLayout,
        *,
        site: Site,
        vpc_id: pulumi.Input[str],
        intra_route_table_id: pulumi.Input[str],
        public_route_table_id: pulumi.Input[str] | None,
        nat: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`public_route_table_id` is None in a network without internet access; `nat` asks for a gateway here."""
        super().__init__("aidc:network_zone:NetworkZone", name, None, opts)
        self._name, self._layout, self._site, self._vpc_id = name, layout, site, vpc_id
        child = pulumi.ResourceOptions(parent=self)
        private_routes = ec2.RouteTable(f"{name}-private", vpc_id=vpc_id, tags=self._tags("private"), opts=child)
        self.private_route_table_id = private_routes.id
        self.private_subnet_id = self._subnet("private", private_routes.id)[0].id
        self.intra_subnet_id = self._subnet("intra", intra_route_table_id)[0].id
        self.nat_gateway_id = None
        if public_route_table_id is not None:
            public, routes = self._subnet("public", public_route_table_id)
            if nat:
                self.nat_gateway_id = self._nat(public, routes).id
        self.register_outputs({"private_subnet_id": self.private_subnet_id, "intra_subnet_id": self.intra_subnet_id})

    def _subnet(self, tier: str, route_table_id: pulumi.Input[str]) -> tuple[ec2.Subnet, ec2.RouteTableAssociation]:
        child = pulumi.ResourceOptions(parent=self)
        subnet = ec2.Subnet(
            f"{self._name}-{tier}-subnet",
            vpc_id=self._vpc_id,
            availability_zone=self._layout.zone,
            cidr_block=str(getattr(self._layout, tier)),
            # Nodes with several network cards cannot get a public address; no other machine here should have one.
            map_public_ip_on_launch=False,
            tags=self._tags(tier) | ROLE_TAGS.get(tier, {}),
            opts=child,
        )
        routes = ec2.RouteTableAssociation(
            f"{self._name}-{tier}-routes", subnet_id=subnet.id, route_table_id=route_table_id, opts=child
        )
        return subnet, routes

    def _nat(self, public: ec2.Subnet, routes: ec2.RouteTableAssociation) -> ec2.NatGateway:
        child = pulumi.ResourceOptions(parent=self)
        address = ec2.Eip(f"{self._name}-nat-address", domain="vpc", tags=self._tags("nat"), opts=child)
        return ec2.NatGateway(
            f"{self._name}-nat",
            subnet_id=public.id,
            allocation_id=address.allocation_id,
            tags=self._tags("nat"),
            # EC2 refuses a gateway in a subnet from which no way leads out yet.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[routes]),
        )

    def _tags(self, tier: str) -> dict[str, str]:
        return tags.component("network", name=f"{self._site.prefix}-{tier}-{self._layout.zone}")
