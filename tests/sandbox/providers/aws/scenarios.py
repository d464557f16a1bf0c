"""For every type: inputs, a change in place, a change that replaces, and how its id is given to import."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sandbox.providers.protocol import Props
from tests.sandbox.providers.aws.plugin import Managed, Plugin

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}
_numbers = count(1)


class World:
    """What resources need around them; made on demand, once a test, in the region of the plugin."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin, self.number = plugin, next(_numbers)
        self.made: dict[str, Managed] = {}
        self.order: list[Managed] = []

    def _once(self, key: str, kind: str, inputs: Props) -> Managed:
        if key not in self.made:
            self.made[key] = self.plugin.resource(kind, f"{key}-{self.number}").create(inputs)
            self.order.append(self.made[key])
        return self.made[key]

    def clean(self) -> None:
        for resource in reversed(self.order):
            resource.delete()

    def vpc(self) -> str:
        inputs = {"cidrBlock": "10.9.0.0/16", "enableDnsHostnames": True}
        return self._once("vpc", "aws:ec2/vpc:Vpc", inputs).id

    def subnet(self, index: int = 0) -> str:
        zone, cidr = f"us-east-1{'ab'[index]}", f"10.9.{index}.0/24"
        inputs = {"vpcId": self.vpc(), "cidrBlock": cidr, "availabilityZone": zone}
        return self._once(f"subnet{index}", "aws:ec2/subnet:Subnet", inputs).id

    def gateway(self) -> str:
        return self._once("igw", "aws:ec2/internetGateway:InternetGateway", {"vpcId": self.vpc()}).id

    def table(self, index: int = 0) -> str:
        return self._once(f"table{index}", "aws:ec2/routeTable:RouteTable", {"vpcId": self.vpc()}).id

    def address(self) -> str:
        return self._once("eip", "aws:ec2/eip:Eip", {"domain": "vpc"}).id

    def group(self, index: int = 0) -> str:
        return self._once(f"sg{index}", "aws:ec2/securityGroup:SecurityGroup", {"vpcId": self.vpc()}).id

    def role(self, index: int = 0) -> Managed:
        return self._once(f"role{index}", "aws:iam/role:Role", {"assumeRolePolicy": json.dumps(TRUST)})

    def policy(self) -> str:
        return self._once("policy", "aws:iam/policy:Policy", {"policy": json.dumps(ALLOW)}).id

    def key(self, index: int = 0) -> Managed:
        return self._once(f"key{index}", "aws:kms/key:Key", {"description": "a key"})

    def log_group(self) -> Managed:
        return self._once("logs", "aws:cloudwatch/logGroup:LogGroup", {})

    def topic(self) -> str:
        return self._once("topic", "aws:sns/topic:Topic", {}).id

    def bucket(self, index: int = 0) -> str:
        return self._once(f"bucket{index}", "aws:s3/bucket:Bucket", {}).id

    def repository(self) -> str:
        return self._once("repository", "aws:ecr/repository:Repository", {}).id

    def cluster(self) -> str:
        network = {"subnetIds": [self.subnet(0), self.subnet(1)]}
        access = {"authenticationMode": "API"}
        inputs = {"roleArn": self.role().state["arn"], "vpcConfig": network, "accessConfig": access}
        return self._once("cluster", "aws:eks/cluster:Cluster", inputs).id

    def template(self) -> Managed:
        return self._once("template", "aws:ec2/launchTemplate:LaunchTemplate", {"instanceType": "m6i.large"})

    def node_group(self) -> Managed:
        inputs = {
            "clusterName": self.cluster(),
            "nodeRoleArn": self.role().state["arn"],
            "subnetIds": [self.subnet()],
            "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 1},
        }
        return self._once("nodes", "aws:eks/nodeGroup:NodeGroup", inputs)

    def entry(self) -> str:
        arn = self.role(1).state["arn"]
        self._once("entry", "aws:eks/accessEntry:AccessEntry", {"clusterName": self.cluster(), "principalArn": arn})
        return arn

    def file_system(self) -> str:
        inputs = {"subnetIds": self.subnet(), "storageCapacity": 1200, "deploymentType": "PERSISTENT_2"}
        inputs |= {"perUnitStorageThroughput": 125}
        return self._once("lustre", "aws:fsx/lustreFileSystem:LustreFileSystem", inputs).id


@dataclass(frozen=True)
class Scenario:
    """`inputs`, then `change` merged in place, then `replacing` merged. `import_id` from the created resource.

    `unimported`: inputs that import cannot know. `bumped`: outputs that the change moves.
    """

    inputs: Callable[[World], Props]
    change: Callable[[World], Props] | None = None
    replacing: Callable[[World], Props] | None = None
    import_id: Callable[[Managed], str] = lambda made: made.id
    unimported: frozenset[str] = frozenset()
    outputs: dict[str, Any] = field(default_factory=dict)


def fixed(**values: Any) -> Callable[[World], Props]:
    return lambda _: dict(values)
