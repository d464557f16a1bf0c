"""How many cases of other policy tools' own tests come out right: `python benchmarks/policy_cases.py --cases DIR`.

DIR holds `policy_cases*.jsonl` and `policy_stack_cases.jsonl`: one JSON object a line with the resources, the rule of
the tool of origin, the ids of this pack's rules that it exercises (`catalogue`) and the verdict. The cases are not part
of this repository. Each goes through the command line's own path: a preview document, the production profile.

A `fail` is right when one of the named rules reports the resource; a `pass` is right when none of them reports it for
the same property. References replaced by the unknown value must neither crash nor turn a finding up.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from record import machine, store

from plan import document
from plan.values import ANY_UNKNOWN
from policies import check

REASONS: dict[str, str] = {
    "CKV_AWS_2": "the listener of a gateway balancer has no protocol to encrypt",
    "CKV_AWS_8": "a root disk made from a snapshot: the provider's type has no such input any more",
    "CKV_AWS_39": "a public endpoint that names its networks is accepted; parameter allow-public-with-cidrs",
    "CKV_AWS_379": "said of the bucket, not of its ACL",
}
"""Why a case comes out otherwise here, and is not followed."""
HPC = "policy_cases_hpc"


class Verdict(NamedTuple):
    """What became of one case."""

    file: str
    rule: str
    title: str
    expected: str
    right: bool
    unknown_right: bool
    said: str


def main() -> None:
    """Run every case that names a rule and store the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--show", action="store_true", help="print what differs and store nothing")
    given = parser.parse_args()
    verdicts: list[Verdict] = []
    for path in sorted(given.cases.glob("policy_*.jsonl")):
        for text in path.read_text(encoding="utf-8").splitlines():
            case = json.loads(text)
            if case["catalogue"]:
                verdicts.append(judge(path.stem, case))
    if given.show:
        for verdict in verdicts:
            if not verdict.right or not verdict.unknown_right:
                print(verdict)
        print(sum(verdict.right for verdict in verdicts), "of", len(verdicts))
    else:
        report(verdicts)


def judge(file: str, case: Mapping[str, Any]) -> Verdict:
    """Run one case, with its literals and with its references unknown."""
    resources = case.get("resources") or [
        {"address": "it", "pulumi_type": case["pulumi_type"], "inputs": case["inputs"], "refs": case.get("refs", [])}
    ]
    right, said = _right(file, case, resources)
    hidden = [{**entry, "inputs": _hidden(entry["inputs"], entry.get("refs") or [])} for entry in resources]
    unknown_right, _ = _right(file, case, hidden) if case["expected"] == "pass" else (True, "")
    return Verdict(file, case["rule"], case.get("title", ""), str(case["expected"]), right, unknown_right, said)


def _right(file: str, case: Mapping[str, Any], resources: list[Any]) -> tuple[bool, str]:
    result = check.run(document.load(preview(resources)))
    findings = [finding for finding in result.findings if finding.rule.id in case["catalogue"]]
    said = "; ".join(f"{finding.resource.name}: {finding.check}: {finding.message}" for finding in findings)
    expected = case["expected"]
    if isinstance(expected, str):
        expected = {"" if file == HPC else "it": expected}
    for address, verdict in expected.items():
        mine = [finding for finding in findings if not address or finding.resource.name == address]
        same = [finding for finding in mine if finding.check in (case["rule"], finding.rule.id)]
        if (verdict == "fail" and not mine) or (verdict == "pass" and same):
            return False, said
    return True, said


def preview(resources: list[Any]) -> dict[str, Any]:
    """The case as the output of `pulumi preview --json`."""
    urns = {entry["address"]: _urn(entry) for entry in resources}
    steps = []
    for entry in resources:
        related: dict[str, list[str]] = {}
        for path, address in entry.get("depends") or []:
            related.setdefault(path, []).append(urns[address])
        state = {
            "urn": urns[entry["address"]],
            "custom": True,
            "type": entry["pulumi_type"],
            "inputs": entry["inputs"],
            "propertyDependencies": related,
            "dependencies": sorted({urn for found in related.values() for urn in found}),
        }
        steps.append({"op": "create", "urn": state["urn"], "newState": state})
    return {"steps": steps}


def _urn(entry: Mapping[str, Any]) -> str:
    return f"urn:pulumi:case::case::{entry['pulumi_type']}::{entry['address']}"


def _hidden(inputs: Mapping[str, Any], paths: list[str]) -> Any:
    """A copy of the inputs with these paths unknown."""
    copy = json.loads(json.dumps(inputs))
    for path in paths:
        keys = [int(key) if key.isdigit() else key for key in path.replace("]", "").replace("[", ".").split(".")]
        where: Any = copy
        try:
            for key in keys[:-1]:
                where = where[key]
            where[keys[-1]] = ANY_UNKNOWN
        except (KeyError, IndexError, TypeError):
            continue
    return copy


def report(verdicts: list[Verdict]) -> None:
    """Store counts by file and every difference with its reason."""
    counts = Counter((verdict.file, verdict.right) for verdict in verdicts)
    right, unknown = (sum(getattr(verdict, name) for verdict in verdicts) for name in ("right", "unknown_right"))
    lines = [
        (
            f"**{right} of {len(verdicts)} cases that name a rule of the pack come out right "
            f"({100 * right / len(verdicts):.1f} %).** With every reference unknown, {unknown} of {len(verdicts)} do."
        ),
        "",
        "| file | right | otherwise |",
        "|---|---|---|",
    ]
    lines += [
        f"| {file} | {counts[file, True]} | {counts[file, False]} |" for file in sorted({v.file for v in verdicts})
    ]
    wrong = [verdict for verdict in verdicts if not verdict.right]
    if wrong:
        lines += ["", "| rule | expected | said | reason |", "|---|---|---|---|"]
        lines += [f"| {v.rule} {v.title} | {v.expected} | {v.said or '-'} | {REASONS.get(v.rule, '')} |" for v in wrong]
    lines += [
        "",
        "`python benchmarks/policy_cases.py --cases DIR`, cases from the tests of checkov and aws-parallelcluster.",
    ]
    result = {"machine": machine(), "cases": len(verdicts), "right": right, "right_with_unknowns": unknown}
    store("policy_cases", "Policy cases of other tools", result, lines)


if __name__ == "__main__":
    main()
