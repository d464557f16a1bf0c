"""How fast a ready plan is priced, in process, with the catalog loaded: `python benchmarks/cost_speed.py`.

The plan repeats a mix of machines, groups with templates, volumes, gateways, buckets, databases and free types.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from record import FOLDER, machine, store

sys.path.insert(0, str(FOLDER.parent))

import cost
from cost import usage
from plan import Plan, document

TARGETS_S = {1_000: 0.3, 10_000: 2.0}
RUNS = 5


def main() -> None:
    """Measure and store."""
    where = machine()
    cost.estimate(mixed(100), usage.Usage(assume=True))
    best: dict[int, float] = {}
    for size in (1_000, 2_000, 5_000, 10_000):
        plan = mixed(size)
        best[size] = min(once(plan) for _ in range(RUNS))
    growth = best[10_000] / best[1_000]
    result = {
        "schema_version": 1,
        "benchmark": "cost_speed",
        "best_s": {str(size): round(seconds, 4) for size, seconds in best.items()},
        "targets_s": {str(size): seconds for size, seconds in TARGETS_S.items()},
        "growth_1000_to_10000": round(growth, 2),
        "machine": where,
    }
    lines = [
        f"Estimate from a ready plan, catalog loaded, best of {RUNS} runs.",
        "",
        "| resources | seconds | target |",
        "| --: | --: | --: |",
        *(f"| {size:,} | {seconds:.3f} | {TARGETS_S.get(size, '')} |" for size, seconds in best.items()),
        "",
        f"Ten times the resources take {growth:.1f} times as long.",
    ]
    store("cost_speed", "Speed of an estimate", result, lines)


def once(plan: Plan) -> float:
    """Seconds of one estimate."""
    start = time.perf_counter()
    cost.estimate(plan, usage.Usage(assume=True))
    return time.perf_counter() - start


def mixed(size: int) -> Plan:
    """A plan of so many resources."""
    kinds: list[tuple[str, dict[str, Any]]] = [
        ("aws:ec2/launchTemplate:LaunchTemplate", {"instanceType": "p5.48xlarge"}),
        ("aws:eks/nodeGroup:NodeGroup", {"scalingConfig": {"desiredSize": 2}, "launchTemplate": {"id": "lt"}}),
        ("aws:ec2/instance:Instance", {"instanceType": "m7i.xlarge"}),
        ("aws:ebs/volume:Volume", {"type": "gp3", "size": 100, "iops": 4000}),
        ("aws:ec2/natGateway:NatGateway", {}),
        ("aws:s3/bucket:Bucket", {}),
        ("aws:rds/instance:Instance", {"engine": "postgres", "instanceClass": "db.t3.large"}),
        ("aws:iam/role:Role", {}),
        ("aws:ec2/subnet:Subnet", {}),
        ("kubernetes:core/v1:ConfigMap", {}),
    ]
    resources = []
    for number in range(size):
        kind, inputs = kinds[number % len(kinds)]
        urn = f"urn:pulumi:speed::speed::{kind}::r{number}"
        refers = {"launchTemplate": [resources[-1]["urn"]]} if "nodeGroup" in kind else {}
        resources.append({"urn": urn, "type": kind, "custom": True, "inputs": inputs, "propertyDependencies": refers})
    return document.load({"config": {"aws:region": "us-east-1"}, "resources": resources})


if __name__ == "__main__":
    main()
