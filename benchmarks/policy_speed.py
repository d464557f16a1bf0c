"""How long the pack takes, in the engine and without it, and how long checkov takes for the same resources.

Run: `PYTHONPATH=. python benchmarks/policy_speed.py [--checkov PROGRAM] [--no-engine] [--runs 5]`. checkov is not part
of this repository: install it into an environment of its own and name its program. The engine's part deploys nothing:
it previews prod-h200 with the local providers in a copy of the checkout, in turn with and without the pack.

Wall time is what a user sees and grows with whatever else runs; processor time (user and system, with all ended
children) is what the work itself takes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import policy_checkov
from record import FOLDER, machine, store

import plan
from plan import document, offline
from plan.values import ANY_UNKNOWN
from policies import check

PACK = FOLDER.parent / "policies"
ACCOUNT = "123456789012"
"""Of the local cloud: a local stack must name it."""
STACK = "prod-h200"
GOALS = {"start": 0.6, "stack": 1.0, "thousand": 3.0, "share": 0.25, "checkov": 10.0}


def main() -> None:
    """Measure and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkov", help="checkov's program")
    parser.add_argument("--no-engine", dest="engine", action="store_false")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    where, wanted = machine(), offline.run(STACK)
    thousand = _thousand(wanted)
    result: dict[str, Any] = {
        "schema_version": 2,
        "stack": STACK,
        "resources": sum(resource.custom for resource in wanted),
        "start": _median(_start, given.runs),
        "stack_judged": _median(lambda: check.run(wanted), given.runs),
        "thousand_judged": _median(lambda: check.run(document.load(thousand)), given.runs),
    }
    if given.engine:
        result["engine"] = _engine(given.runs)
    if given.checkov:
        for name, content in (("stack", _document(wanted)), ("thousand", thousand)):
            result[f"against_checkov_{name}"] = _against(given.checkov, content, given.runs)
    store("policy_speed", "How long the policies take", {**result, "machine": where}, list(_lines(result)))


def _lines(result: Mapping[str, Any]) -> list[str]:
    rows = [
        ("the pack's process, until it names its port", result["start"], GOALS["start"]),
        (
            f"{STACK} ({result['resources']} resources) after the plan, no engine",
            result["stack_judged"],
            GOALS["stack"],
        ),
        ("1,000 resources, from the document to the findings", result["thousand_judged"], GOALS["thousand"]),
    ]
    lines = ["| what, median seconds | wall | processor | goal |", "|---|---|---|---|"]
    lines += [f"| {what} | {taken['wall_s']} | {taken['processor_s']} | {goal} |" for what, taken, goal in rows]
    if engine := result.get("engine"):
        lines += [
            "",
            f"The engine's preview of {STACK} with the local providers, {engine['runs']} runs each way in turn; the",
            f"goal is that the pack adds at most {GOALS['share']:.0%}:",
            "",
            "| seconds | without the pack | with it | added |",
            "|---|---|---|---|",
            *(
                f"| {what} | {engine['without'][key]} | {engine['with'][key]} | {engine['share'][name]:.0%} |"
                for what, key, name in (
                    ("processor, median, of the CLI and all that it started", "processor_s", "processor"),
                    ("wall, quickest", "quickest_s", "quickest"),
                    ("wall, median", "wall_s", "wall"),
                )
            ),
        ]
    for name, what in (("stack", STACK), ("thousand", "1,000 resources")):
        if found := result.get(f"against_checkov_{name}"):
            lines += ["", *_compared(what, found)]
    return lines


def _compared(what: str, found: Mapping[str, Any]) -> list[str]:
    ours, theirs = found["ours"], found["checkov"]
    return [
        f"{what} against checkov {theirs['version']} (AWS as a Terraform plan, Kubernetes as manifests):",
        "",
        "| median processor seconds | policies | checkov | times |",
        "|---|---|---|---|",
        (
            f"| reading, judging and reporting, in a running process | {ours['judging_s']} | {theirs['judging_s']} "
            f"| **{found['judging_times']}** |"
        ),
        (
            f"| whole command, with the start of Python; ours prices the plan too | {ours['command_s']} "
            f"| {theirs['command_s']} | **{found['command_times']}** |"
        ),
        "",
        (
            f"checkov saw {theirs['resources']} resources and gave {theirs['results']} results. The pack saw "
            f"{ours['resources']} and applied a rule to a resource {ours['results']} times."
        ),
    ]


def _median(run: Callable[[], object], runs: int) -> dict[str, float]:
    taken = [_once(run) for _ in range(runs)]
    wall, busy = (statistics.median(column) for column in zip(*taken, strict=True))
    return {"wall_s": round(wall, 4), "processor_s": round(busy, 4)}


def _once(run: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds, with those of children that ended."""
    before, own, start = os.times(), time.process_time(), time.perf_counter()
    run()
    wall, own, after = time.perf_counter() - start, time.process_time() - own, os.times()
    return wall, own + sum(after[2:4]) - sum(before[2:4])


def _start() -> None:
    with subprocess.Popen([sys.executable, "-u", str(PACK)], cwd=PACK, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()


def _document(wanted: plan.Plan) -> dict[str, Any]:
    """A plan as `pulumi preview --json` prints it."""
    steps = [
        {
            "op": "create",
            "urn": resource.urn,
            "newState": {
                "urn": resource.urn,
                "custom": resource.custom,
                "type": resource.type,
                "inputs": _plain(resource.inputs),
                "provider": resource.provider,
                "dependencies": list(resource.dependencies),
                "propertyDependencies": {key: list(urns) for key, urns in resource.property_dependencies.items()},
            },
        }
        for resource in wanted
    ]
    return {"config": dict(wanted.config), "steps": steps}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return ANY_UNKNOWN if isinstance(value, plan.Unknown) else value


def _thousand(wanted: plan.Plan) -> dict[str, Any]:
    """The custom resources of a plan again and again, under other URNs, up to 1,000."""
    steps = [step for step in _document(wanted)["steps"] if step["newState"]["custom"]]
    found = []
    for number in range(1000):
        turn, step = divmod(number, len(steps))
        text = json.dumps(steps[step])
        found.append(json.loads(re.sub(r'(urn:pulumi:[^"]+)"', rf'\1-{turn}"', text)))
    return {"config": dict(wanted.config), "steps": found}


def _engine(runs: int) -> dict[str, Any]:
    """Preview a copy of the stack in a local cloud of its own, in turn without and with the pack."""
    from tests.e2e.checkout import Checkout

    checkout = Checkout.fresh()
    try:
        text = (checkout.folder / f"stacks/Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
        checkout.write("stacks/Pulumi.local-prod.yaml", text.replace("111122223333", ACCOUNT))
        checkout.run("sandbox", "up", check=True)
        checkout.shell("pulumi stack init local-prod --no-select")
        environment = dict(
            line.split("=", 1) for line in checkout.shell("env -0").stdout.split("\0") if "=" in line and line[0] != "B"
        )
        plain = ["pulumi", "preview", "--stack", "local-prod", "--non-interactive"]
        ways = {"without": plain, "with": [*plain, "--policy-pack", "policies"]}
        taken: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(runs + 1):  # the first of each only warms up
            for way, command in ways.items():
                taken[way].append(_once(lambda c=command: _quiet(c, checkout.folder, environment)))
    finally:
        checkout.remove()
    found: dict[str, Any] = {
        way: {
            "wall_s": round(statistics.median(wall for wall, _ in pairs[1:]), 2),
            "quickest_s": round(min(wall for wall, _ in pairs[1:]), 2),
            "processor_s": round(statistics.median(busy for _, busy in pairs[1:]), 2),
        }
        for way, pairs in taken.items()
    }
    shares = {
        name: round(found["with"][key] / found["without"][key] - 1, 3)
        for name, key in (("wall", "wall_s"), ("quickest", "quickest_s"), ("processor", "processor_s"))
    }
    return {"runs": runs, **found, "share": shares}


def _quiet(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command and give its stdout. A policy finding (of another profile than the stack's) is no failure here;
    a preview that does not get to the end of the program is one, and would look quick."""
    program = [str(folder / command[0]) if "/" in command[0] else command[0], *command[1:]]
    done = subprocess.run(program, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)
    if "preview" in command and "to create" not in done.stdout:
        raise SystemExit(f"{' '.join(command)} did not plan the stack:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def _against(program: str, content: Mapping[str, Any], runs: int) -> dict[str, Any]:
    """Both commands over the same resources in fresh processes, in turn, and both judgements in running ones."""
    checkov = Path(program).resolve()
    with tempfile.TemporaryDirectory(prefix="policy-speed-") as name:
        folder = Path(name)
        file, files = folder / "preview.json", policy_checkov.write(content, folder)
        file.write_text(json.dumps(content), encoding="utf-8")
        ours = [sys.executable, "-m", "policies.check", "--plan", str(file), "--format", "json"]
        theirs = policy_checkov.command(str(checkov), files)
        seconds: dict[int, list[float]] = {0: [], 1: []}
        output = ""
        for _ in range(runs):
            for side, command in enumerate((ours, theirs)):
                before = os.times()
                output = _quiet(command, FOLDER.parent, os.environ)
                after = os.times()
                busy = after.children_user + after.children_system - before.children_user - before.children_system
                seconds[side].append(busy)
        judging = _median(lambda: check.report.render([check.run(document.read(file))], "json"), runs)["processor_s"]
        their_judging = policy_checkov.judging(checkov.with_name("python"), files, runs)
    command_s, their_command_s = (round(statistics.median(seconds[side]), 2) for side in (0, 1))
    return {
        "runs": runs,
        "ours": {"command_s": command_s, "judging_s": judging, **_judged(content)},
        "checkov": {"command_s": their_command_s, "judging_s": their_judging, **policy_checkov.counted(output)},
        "command_times": round(their_command_s / command_s, 1),
        "judging_times": round(their_judging / judging, 1),
    }


def _judged(content: Mapping[str, Any]) -> dict[str, int]:
    """Resources, and pairs of a rule and a resource that it looks at."""
    from policies.rules import ALL

    kinds = [step["newState"]["type"] for step in content["steps"] if step["newState"]["custom"]]
    return {
        "resources": len(kinds),
        "results": sum(kind in rule.types or "*" in rule.types for kind in kinds for rule in ALL),
    }


if __name__ == "__main__":
    main()
