"""Scenarios of networks, machines and keys."""

from __future__ import annotations

import json

from tests.sandbox.providers.aws.scenarios import DENY, Scenario, World, fixed

ZONE = "us-east-1a"


def _rules(world: World) -> dict[str, object]:
    https = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.0.0.0/8", "192.168.0.0/16"]}
    return {"vpcId": world.vpc(), "ingress": [https, {"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}]}


def _template(world: World) -> dict[str, object]:
    return {
        "name": f"template-{world.number}",
        "instanceType": "p5.48xlarge",
        "description": "first",
        "ebsOptimized": "true",
        "metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "required", "httpPutResponseHopLimit": 2},
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {"volumeSize": 100, "volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true"},
            }
        ],
        "networkInterfaces": [
            {
                "networkCardIndex": card,
                "deviceIndex": 0 if card == 0 else 1,
                "interfaceType": "efa" if card == 0 else "efa-only",
                "securityGroups": [world.group()],
                "deleteOnTermination": "true",
                "associatePublicIpAddress": "false" if card == 0 else None,
            }
            for card in range(4)
        ],
        "instanceMarketOptions": {"marketType": "capacity-block"},
        "capacityReservationSpecification": {
            "capacityReservationTarget": {"capacityReservationId": "cr-0123456789abcdef0"}
        },
        "placement": {"groupName": "near"},
        "userData": "bm9kZQ==",
        "tagSpecifications": [
            {"resourceType": kind, "tags": {"dc:pool": "h200", "Name": "node"}} for kind in ("instance", "volume")
        ],
        "updateDefaultVersion": True,
    }


def _nat(world: World) -> dict[str, object]:
    return {"subnetId": world.subnet(), "allocationId": world.address()}


CASES = {
    "aws:ec2/vpc:Vpc": Scenario(
        fixed(cidrBlock="10.0.0.0/16", enableDnsHostnames=True, enableDnsSupport=True, tags={"Name": "a"}),
        fixed(enableDnsHostnames=False, tags={"Name": "b", "Team": "c"}),
        fixed(cidrBlock="10.1.0.0/16"),
        outputs={"arn": r"arn:aws:ec2:us-east-1:123456789012:vpc/vpc-\w+", "defaultSecurityGroupId": r"sg-\w+"}
        | {"mainRouteTableId": r"rtb-\w+", "defaultNetworkAclId": r"acl-\w+", "ownerId": "123456789012"},
    ),
    "aws:ec2/subnet:Subnet": Scenario(
        lambda w: {"vpcId": w.vpc(), "cidrBlock": "10.9.8.0/24", "availabilityZone": ZONE, "mapPublicIpOnLaunch": True},
        fixed(mapPublicIpOnLaunch=False, tags={"kubernetes.io/role/elb": "1"}),
        fixed(availabilityZone="us-east-1b"),
        outputs={"arn": r"arn:aws:ec2:us-east-1:\d+:subnet/subnet-\w+", "availabilityZoneId": r"use1-az\d"},
    ),
    "aws:ec2/internetGateway:InternetGateway": Scenario(
        lambda w: {"vpcId": w.vpc(), "tags": {"Name": "igw"}},
        fixed(tags={"Name": "other"}),
        outputs={"arn": r"arn:aws:ec2:us-east-1:\d+:internet-gateway/igw-\w+"},
    ),
    "aws:ec2/eip:Eip": Scenario(
        fixed(domain="vpc"),
        fixed(tags={"Name": "nat"}),
        outputs={"publicIp": r"[\d.]+", "allocationId": r"eipalloc-\w+", "publicDns": r"ec2-.*amazonaws.com"},
    ),
    "aws:ec2/natGateway:NatGateway": Scenario(
        _nat,
        fixed(tags={"Name": "nat"}),
        lambda w: {"subnetId": w.subnet(1)},
        outputs={"publicIp": r"[\d.]+", "privateIp": r"[\d.]+", "networkInterfaceId": r"eni-\w+"},
    ),
    "aws:ec2/routeTable:RouteTable": Scenario(
        lambda w: {"vpcId": w.vpc()},
        fixed(tags={"Name": "private"}),
        outputs={"arn": r"arn:aws:ec2:us-east-1:\d+:route-table/rtb-\w+"},
    ),
    "aws:ec2/route:Route": Scenario(
        lambda w: {"routeTableId": w.table(), "destinationCidrBlock": "0.0.0.0/0", "gatewayId": w.gateway()},
        None,
        fixed(destinationCidrBlock="1.2.3.0/24"),
        import_id=lambda made: f"{made.inputs['routeTableId']}_0.0.0.0/0",
        outputs={"origin": "CreateRoute", "state": "active", "id": r"r-rtb-\w+"},
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Scenario(
        lambda w: {"routeTableId": w.table(), "subnetId": w.subnet()},
        lambda w: {"routeTableId": w.table(1)},
        lambda w: {"subnetId": w.subnet(1)},
        import_id=lambda made: f"{made.inputs['subnetId']}/{made.inputs['routeTableId']}",
        outputs={"id": r"rtbassoc-\w+"},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Scenario(
        lambda w: {"vpcId": w.vpc(), "serviceName": "com.amazonaws.us-east-1.s3", "routeTableIds": [w.table()]},
        lambda w: {"routeTableIds": [w.table(1), w.table()], "tags": {"Name": "s3"}},
        fixed(serviceName="com.amazonaws.us-east-1.dynamodb"),
        outputs={"prefixListId": r"pl-\w+", "state": "available", "vpcEndpointType": "Gateway"},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint interface": Scenario(
        lambda w: {
            "vpcId": w.vpc(),
            "serviceName": "com.amazonaws.us-east-1.ecr.api",
            "vpcEndpointType": "Interface",
            "subnetIds": [w.subnet()],
            "securityGroupIds": [w.group()],
            "privateDnsEnabled": True,
        },
        lambda w: {"subnetIds": [w.subnet(), w.subnet(1)], "securityGroupIds": [w.group(1)]},
        outputs={"state": "available"},
    ),
    "aws:ec2/flowLog:FlowLog": Scenario(
        lambda w: {
            "vpcId": w.vpc(),
            "trafficType": "ALL",
            "logDestination": w.log_group().state["arn"],
            "iamRoleArn": w.role().state["arn"],
            "maxAggregationInterval": 60,
        },
        fixed(tags={"Name": "flow"}),
        fixed(trafficType="REJECT"),
        outputs={"arn": r"arn:aws:ec2:us-east-1:\d+:vpc-flow-log/fl-\w+", "logDestinationType": "cloud-watch-logs"},
    ),
    "aws:ec2/securityGroup:SecurityGroup": Scenario(
        lambda w: {"vpcId": w.vpc(), "description": "nodes", "name": f"nodes-{w.number}"},
        fixed(tags={"Name": "nodes"}),
        fixed(description="other"),
        outputs={"arn": r"arn:aws:ec2:us-east-1:\d+:security-group/sg-\w+"},
        unimported=frozenset(),
    ),
    "aws:ec2/securityGroup:SecurityGroup inline": Scenario(
        _rules,
        lambda _: {
            "egress": [{"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}],
            "ingress": [],
        },
        unimported=frozenset({"name"}),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Scenario(
        lambda w: {"vpcId": w.vpc(), "tags": {"Name": "closed"}},
        fixed(ingress=[{"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrBlocks": ["10.0.0.0/8"]}]),
        outputs={"name": "default"},
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Scenario(
        lambda w: (
            {"securityGroupId": w.group(), "ipProtocol": "tcp", "fromPort": 988, "toPort": 988}
            | {"referencedSecurityGroupId": w.group(), "description": "lustre"}
        ),
        fixed(fromPort=1018, toPort=1023, tags={"Name": "lustre"}),
        lambda w: {"securityGroupId": w.group(1)},
        outputs={"securityGroupRuleId": r"sgr-\w+", "arn": r"arn:aws:ec2:us-east-1:\d+:security-group-rule/sgr-\w+"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Scenario(
        lambda w: {"securityGroupId": w.group(), "ipProtocol": "-1", "cidrIpv4": "0.0.0.0/0"},
        fixed(cidrIpv4="10.0.0.0/8", description="inside"),
        lambda w: {"securityGroupId": w.group(1)},
        outputs={"securityGroupRuleId": r"sgr-\w+"},
    ),
    "aws:ec2/launchTemplate:LaunchTemplate": Scenario(
        _template,
        fixed(userData="b3RoZXI=", description="second"),
        fixed(name="another-template"),
        unimported=frozenset({"updateDefaultVersion", "description"}),
        outputs={
            "latestVersion": "1",
            "defaultVersion": "1",
            "arn": r"arn:aws:ec2:us-east-1:\d+:launch-template/lt-\w+",
        },
    ),
    "aws:ec2/placementGroup:PlacementGroup": Scenario(
        lambda w: {"strategy": "cluster", "name": f"near-{w.number}"},
        fixed(tags={"Name": "near"}),
        fixed(strategy="spread"),
        outputs={"placementGroupId": r"pg-\w+", "arn": r"arn:aws:ec2:us-east-1:\d+:placement-group/near-\d+"},
    ),
    "aws:kms/key:Key": Scenario(
        fixed(description="data", enableKeyRotation=True, deletionWindowInDays=7, rotationPeriodInDays=180),
        fixed(description="other", enableKeyRotation=False, rotationPeriodInDays=None, tags={"Name": "data"}),
        fixed(keyUsage="SIGN_VERIFY", customerMasterKeySpec="RSA_2048"),
        unimported=frozenset({"deletionWindowInDays"}),
        outputs={"arn": r"arn:aws:kms:us-east-1:\d+:key/[\w-]+", "policy": r"\{.*"},
    ),
    "aws:kms/alias:Alias": Scenario(
        lambda w: {"targetKeyId": w.key().id, "name": f"alias/data-{w.number}"},
        lambda w: {"targetKeyId": w.key(1).state["arn"]},
        lambda w: {"name": f"alias/other-{w.number}"},
        unimported=frozenset({"targetKeyId"}),  # id and ARN name the same key
        outputs={"arn": r"arn:aws:kms:us-east-1:\d+:alias/.*", "targetKeyArn": r"arn:aws:kms:.*:key/.*"},
    ),
    "aws:cloudwatch/logGroup:LogGroup": Scenario(
        lambda w: {"name": f"/dc/{w.number}", "retentionInDays": 30},
        fixed(retentionInDays=90, tags={"Name": "logs"}),
        lambda w: {"name": f"/dc/other-{w.number}"},
        outputs={"arn": r"arn:aws:logs:us-east-1:\d+:log-group:/dc/\d+"},
    ),
    "aws:sns/topic:Topic": Scenario(
        lambda w: {"name": f"alarms-{w.number}", "displayName": "Alarms"},
        fixed(displayName="Budget", tags={"Name": "alarms"}),
        lambda w: {"name": f"others-{w.number}"},
        outputs={"arn": r"arn:aws:sns:us-east-1:\d+:alarms-\d+", "owner": "123456789012"},
    ),
    "aws:sns/topicPolicy:TopicPolicy": Scenario(
        lambda w: {"arn": w.topic(), "policy": json.dumps(DENY)},
        fixed(policy=json.dumps({**DENY, "Id": "changed"})),
        outputs={"owner": "123456789012"},
    ),
}
