"""The resources of a plan as checkov reads them, and a run of checkov over them; used by `policy_speed.py`.

AWS resources become a Terraform plan document, Kubernetes objects manifests. Names are turned by rule (`subnetIds` to
`subnet_ids`), which is exact for most of the types here; what checkov does not know it passes over, which takes less
time and not more. So this serves for measuring speed, not for comparing verdicts.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FLAT = ("ec2", "vpc", "lb")
"""Modules of pulumi-aws whose name is not part of the Terraform type."""


def write(document: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """Write the custom resources of a preview document for checkov; the files by framework."""
    states = [step["newState"] for step in document["steps"] if step["newState"]["custom"]]
    files = {"terraform_plan": folder / "tfplan.json", "kubernetes": folder / "manifests.yaml"}
    aws = [_resource(state) for state in states if state["type"].startswith("aws:")]
    files["terraform_plan"].write_text(json.dumps(_plan(aws)), encoding="utf-8")
    manifests = [_known(state["inputs"]) for state in states if state["type"].startswith("kubernetes:")]
    # JSON is YAML; documents are separated as YAML does it.
    files["kubernetes"].write_text("\n---\n".join(map(json.dumps, manifests)), encoding="utf-8")
    return files


def command(program: str, files: Mapping[str, Path]) -> list[str]:
    """checkov over these files, with only the frameworks that they need."""
    found = [program, "--compact", "--quiet", "-o", "json", "--framework", *files]
    for path in files.values():
        found += ["--file", str(path)]
    return found


JUDGING = """
import json, logging, statistics, sys, time
logging.disable(logging.CRITICAL)
from checkov.kubernetes.runner import Runner as Kubernetes
from checkov.runner_filter import RunnerFilter
from checkov.terraform.plan_runner import Runner as Terraform
runners = {"terraform_plan": Terraform, "kubernetes": Kubernetes}
files, taken = json.loads(sys.argv[1]), []
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    for name, path in files.items():
        runners[name]().run(root_folder=None, files=[path], runner_filter=RunnerFilter(framework=[name]))
    taken.append(time.process_time() - start)
print(statistics.median(taken))
"""


def judging(python: Path, files: Mapping[str, Path], runs: int) -> float:
    """Median processor seconds of checkov's runners over the files, in a process that has loaded them."""
    given = json.dumps({name: str(path) for name, path in files.items()})
    command = [str(python), "-c", JUDGING, given, str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return round(float(done.stdout.split()[-1]), 3)


def counted(output: str) -> dict[str, Any]:
    """How much checkov did: resources it saw and results it gave."""
    reports = json.loads(output)
    summaries = [report["summary"] for report in (reports if isinstance(reports, list) else [reports])]
    return {
        "version": summaries[0]["checkov_version"],
        "resources": sum(summary["resource_count"] for summary in summaries),
        "results": sum(summary["passed"] + summary["failed"] for summary in summaries),
    }


def _resource(state: Mapping[str, Any]) -> dict[str, Any]:
    module, name = state["type"].split(":")[1].split("/")
    kind = f"aws_{_snake(name)}" if module in FLAT else f"aws_{module}_{_snake(name)}"
    label = state["urn"].rpartition("::")[2]
    return {
        "address": f"{kind}.{label}",
        "mode": "managed",
        "type": kind,
        "name": label,
        "provider_name": "registry.terraform.io/hashicorp/aws",
        "schema_version": 0,
        "values": _terraform(_known(state["inputs"])),
    }


def _plan(resources: list[dict[str, Any]]) -> dict[str, Any]:
    changes = [
        {
            **{key: resource[key] for key in ("address", "mode", "type", "name", "provider_name")},
            "change": {"actions": ["create"], "before": None, "after": resource["values"], "after_unknown": {}},
        }
        for resource in resources
    ]
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": resources}},
        "resource_changes": changes,
        "configuration": {"root_module": {}},
    }


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _terraform(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_snake(key): _terraform(item) for key, item in value.items()}
    return [_terraform(item) for item in value] if isinstance(value, list) else value


def _known(value: Any) -> Any:
    """Without what is known only after creation: a Terraform plan leaves it out as well."""
    from plan.values import ANY_UNKNOWN

    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items() if item != ANY_UNKNOWN}
    return [_known(item) for item in value if item != ANY_UNKNOWN] if isinstance(value, list) else value
