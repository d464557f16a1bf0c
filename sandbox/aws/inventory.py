"""What the node daemons need to know of the emulated EKS, in one answer: `GET /_sandbox/nodegroups`.

Not through the AWS API on purpose: the daemons ask every second, and their calls must neither use up a fault that a
test has put in someone else's way, nor be counted, nor search thirty regions for a cluster.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.gaps.eks import Clusters, Record
from sandbox.aws.gaps.eks.nodegroups import template_data
from sandbox.aws.native import backend
from sandbox.aws.state import stores


def nodegroups() -> list[Record]:
    """Every node group of every cluster, oldest first: its EKS record and three members more.

    `region`; `subnetZones`: [{"zone", "zoneId"}] in the order of its subnets; `template`: the data of its launch
    template version, {} when it has none.
    """
    found = []
    for (account, region), clusters in stores(Clusters).items():
        for cluster in clusters.by_name.values():
            ec2 = backend("ec2", account, region) if cluster.nodegroups else None
            found += [
                {**record, "region": region, "subnetZones": _zones(ec2, record), "template": _template(ec2, record)}
                for record in cluster.nodegroups.values()
            ]
    return sorted(found, key=lambda record: record["createdAt"])


def _zones(ec2: Any, record: Record) -> list[Record]:
    subnets = {name: subnet for zone in ec2.subnets.values() for name, subnet in zone.items()}
    return [
        {"zone": subnet.availability_zone, "zoneId": subnet.availability_zone_id}
        for name in record["subnets"]
        if (subnet := subnets.get(name))
    ]


def _template(ec2: Any, record: Record) -> Record:
    given = record.get("launchTemplate")
    template = ec2.launch_templates.get(given["id"]) if given else None
    # A template may be deleted before its node group; the nodes stay what they were made of, which nobody keeps.
    return template_data(template, given) if template else {}
