"""Who may talk to a Lustre file system: security-group rules by group id, never by address.

Lustre listens on TCP 988 and 1018 to 1023, on servers and clients alike (FSx for Lustre User Guide, "File system access
control with Amazon VPC"). Over EFA all traffic must be allowed between the groups and within them; ranges of addresses
do not count there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from components import tags
from components.site import Site


@dataclass(frozen=True)
class Clients:
    """Security groups of those who mount."""

    nodes: pulumi.Input[str]
    """The group that every node of the cluster carries."""
    fabrics: Mapping[str, pulumi.Input[str]]
    """Groups of EFA interfaces by pool."""


PORTS = {"lustre": (988, 988), "lustre-servers": (1018, 1023)}


class FileSystemAccess(pulumi.ComponentResource):
    """The security group of a file system and every rule between it and its clients."""

    group_id: pulumi.Output[str]
    rules: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        clients: Clients,
        *,
        site: Site,
        vpc_id: pulumi.Input[str],
        fabric: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`fabric`: whether clients reach the file system over EFA as well."""
        super().__init__("aidc:file_system_access:FileSystemAccess", name, None, opts)
        self._name = name
        group = ec2.SecurityGroup(
            f"{name}-group",
            description="Lustre file system: its own servers and the nodes of the cluster",
            vpc_id=vpc_id,
            tags=tags.component("file-system", name=f"{site.prefix}-{name}"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.group_id, self.rules = group.id, []
        own, nodes = ("servers", group.id), ("nodes", clients.nodes)
        for service, ports in PORTS.items():
            self._both_ways(own, own, service, ports)
            self._both_ways(own, nodes, service, ports)
            # Servers call clients back; what leaves the nodes is open by EKS's own rule.
            self._rule(vpc.SecurityGroupIngressRule, nodes, own, service, ports)
        if fabric:
            self._both_ways(own, own, "fabric", None)
            for pool in clients.fabrics.items():
                self._both_ways(own, pool, "fabric", None)
                self._both_ways(pool, own, "fabric", None)
        self.register_outputs({"group_id": self.group_id})

    def _both_ways(
        self,
        here: tuple[str, pulumi.Input[str]],
        there: tuple[str, pulumi.Input[str]],
        service: str,
        ports: tuple[int, int] | None,
    ) -> None:
        self._rule(vpc.SecurityGroupIngressRule, here, there, service, ports)
        self._rule(vpc.SecurityGroupEgressRule, here, there, service, ports)

    def _rule(
        self,
        kind: type[vpc.SecurityGroupIngressRule | vpc.SecurityGroupEgressRule],
        here: tuple[str, pulumi.Input[str]],
        there: tuple[str, pulumi.Input[str]],
        service: str,
        ports: tuple[int, int] | None,
    ) -> None:
        """One rule on the group `here` about the group `there`; without ports, everything."""
        way = "from" if kind is vpc.SecurityGroupIngressRule else "to"
        rule = kind(
            f"{self._name}-{here[0]}-{way}-{there[0]}-{service}",
            security_group_id=here[1],
            referenced_security_group_id=there[1],
            description=f"{service} {way} {there[0]}",
            ip_protocol="tcp" if ports else "-1",
            from_port=ports[0] if ports else None,
            to_port=ports[1] if ports else None,
            tags=tags.component("file-system"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.rules.append(rule)
