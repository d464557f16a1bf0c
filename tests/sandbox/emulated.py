"""What tests of a running cloud need again and again: AWS clients, a cluster with node groups, waiting."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3

from sandbox.settings import ACCESS_KEY, SECRET_KEY, Settings

T = TypeVar("T")
REGION = "us-east-1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def eventually(question: Callable[[], T], limit: float = 180.0) -> T:
    """The first true answer. Fails with the last answer, or its exception, when there is none in `limit` seconds."""
    end = time.monotonic() + limit
    while True:
        try:
            answer = question()
        except Exception:
            if time.monotonic() > end:
                raise
        else:
            if answer or time.monotonic() > end:
                assert answer, f"still {answer!r} after {limit} s"
                return answer
        time.sleep(0.1)


def aws(settings: Settings, service: str, region: str = REGION, key: tuple[str, str] = (ACCESS_KEY, SECRET_KEY)) -> Any:
    """A boto3 client of the emulated AWS API."""
    client: Any = boto3.client  # its stubs want the service as a literal
    return client(
        service,
        endpoint_url=settings.aws_url,
        region_name=region,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
    )


@dataclass
class Cluster:
    """An emulated EKS cluster of its own, with everything below it; `remove` takes all of it away."""

    settings: Settings
    name: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:6]}")

    def __post_init__(self) -> None:
        self.eks, self.ec2, self.iam = (aws(self.settings, service) for service in ("eks", "ec2", "iam"))
        self._templates: list[str] = []
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")[
                "Subnet"
            ]["SubnetId"]
            for i, zone in enumerate("ab")
        ]
        self.role = self.iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.eks.create_cluster(
            name=self.name,
            roleArn=self.role,
            resourcesVpcConfig={"subnetIds": self.subnets},
            accessConfig={"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": True},
        )

    def group(self, name: str, size: int, **given: Any) -> str:
        """Create a node group; its name is made unique and returned."""
        name = f"{name}-{uuid.uuid4().hex[:5]}"
        self.eks.create_nodegroup(
            clusterName=self.name,
            nodegroupName=name,
            subnets=self.subnets[:1],
            nodeRole=self.role,
            scalingConfig={"minSize": 0, "maxSize": 200, "desiredSize": size},
            **({"instanceTypes": ["m7i.large"]} | given if "launchTemplate" not in given else given),
        )
        return name

    def efa_group(self, name: str, size: int, **given: Any) -> str:
        """A group of p5.48xlarge with 32 EFA interfaces."""
        interfaces = [
            {"NetworkCardIndex": i, "DeviceIndex": min(i, 1), "InterfaceType": "efa-only" if i else "efa"}
            for i in range(32)
        ]
        template = self.ec2.create_launch_template(
            LaunchTemplateName=f"{self.name}-{name}-{uuid.uuid4().hex[:5]}",
            LaunchTemplateData={"InstanceType": "p5.48xlarge", "NetworkInterfaces": interfaces},
        )["LaunchTemplate"]["LaunchTemplateId"]
        self._templates.append(template)
        return self.group(name, size, launchTemplate={"id": template, "version": "1"}, **given)

    def remove(self) -> None:
        """Delete the cluster and all that was made for it."""
        for name in self.eks.list_nodegroups(clusterName=self.name)["nodegroups"]:
            self.eks.delete_nodegroup(clusterName=self.name, nodegroupName=name)
        self.eks.delete_cluster(name=self.name)
        for template in self._templates:
            self.ec2.delete_launch_template(LaunchTemplateId=template)
        self.iam.delete_role(RoleName=self.name)
        for subnet in self.subnets:
            self.ec2.delete_subnet(SubnetId=subnet)
        self.ec2.delete_vpc(VpcId=self.vpc)
