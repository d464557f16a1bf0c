"""The reference page of the policies, from the rules themselves: `python -m policies.docs` writes docs/policies.md."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from policies.examples import EXAMPLES, Thing
from policies.profiles import PARAMETERS, PROFILES
from policies.rules import ALL, MODULES
from policies.rules.carriers import PATHS
from policies.rules.model import Rule
from terminal import guarded, out

PAGE = Path(__file__).resolve().parent.parent / "docs" / "policies.md"
STANDARDS = {
    "CIS EKS": "CIS Amazon EKS Benchmark 1.8",
    "CIS AWS": "CIS AWS Foundations Benchmark",
    "CIS GKE": "CIS Google Kubernetes Engine Benchmark",
    "CIS GCP": "CIS Google Cloud Platform Foundation Benchmark",
    "FSBP": "AWS Foundational Security Best Practices",
    "NIST 800-53": "NIST SP 800-53 rev. 5",
    "CKV": "checkov",
}
SHOWN, LONGEST = 4, 70
"""Resources of an example, and characters of a text, that the page shows."""


def text() -> str:
    """The page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    mandatory = sum(rule.level == "mandatory" for rule in ALL)
    yield "# Policies"
    yield ""
    yield "Written by `python -m policies.docs` from the rules; do not edit."
    yield ""
    remedies = sum(bool(rule.remedy) for rule in ALL)
    yield f"{len(ALL)} rules, {mandatory} mandatory in production, {remedies} with a remediation."
    yield "`make policy STACK=NAME` runs them; levels, parameters and exemptions are set in the stack file, see"
    yield "[stack-file.md](stack-file.md). The level `remediate` lets the engine put right what the rule can."
    yield ""
    kinds = sorted({kind.rpartition(":")[2] for kind in PATHS})
    yield f"Rules on pods and jobs judge those inside {', '.join(kinds)} too, and a `...Patch` by what it sets."
    yield "What a rule needs and nobody knows before creation is reported as `cannot tell`, never as a pass."
    yield ""
    for profile in PROFILES:
        changed = [f"{rule}: {level}" for rule, level in sorted(PROFILES[profile].items())]
        count = len(PARAMETERS[profile])
        yield f"- **{profile}**: {'; '.join(changed) or 'levels as below'}; other parameters for {count} rules."
    yield from ("", "## By standard", "")
    for prefix, title in STANDARDS.items():
        found = _by_reference(prefix)
        rows = [f"{reference}: {', '.join(f'[{name}](#{name})' for name in names)}" for reference, names in found]
        yield from (f"### {title}", "", *(f"- {row}" for row in rows), "")
    for module in MODULES:
        title = (module.__doc__ or "").splitlines()[0]
        yield from (f"## {title}", "")
        for rule in ALL:
            if rule.theme == module.__name__.rpartition(".")[2]:
                yield from _rule(rule)


def _by_reference(prefix: str) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = defaultdict(list)
    for rule in ALL:
        for reference in rule.references:
            if reference.startswith(prefix):
                found[reference].append(rule.id)
    return sorted(found.items())


def _rule(rule: Rule) -> Iterator[str]:
    yield from (f"### {rule.id}", "", f"{rule.title}. {rule.why}", "")
    remedy = ", can be remediated" if rule.remedy else ""
    yield f"- {rule.level}, {rule.severity} severity{remedy}"
    kinds = [kind.rpartition(":")[2] for kind in rule.types]
    shown = f"{len(kinds)} types" if len(kinds) > 12 else ", ".join(kinds)
    yield f"- on: {'every resource' if kinds == ['*'] else shown}"
    yield f"- fix: {rule.fix}"
    for name, value in rule.parameters.items():
        said = "none; the rule cannot tell without" if value is None else f"`{json.dumps(value)}`"
        yield f"- parameter `{name}`: {said}"
    if rule.references:
        yield f"- references: {', '.join(rule.references)}"
    example = EXAMPLES[rule.id]
    yield from ("", "```text")
    yield from _shown("fails", example.bad)
    yield from _shown("passes", example.good)
    yield from ("```", "")


def _shown(word: str, things: Sequence[Thing]) -> Iterator[str]:
    """Resources of an example, one a line; what is many is shortened."""
    for index, thing in enumerate(things[:SHOWN]):
        kind = thing.type.rpartition(":")[2]
        refers = [f"{path} of {', '.join(names)}" for path, names in thing.refers.items()]
        name = f" {thing.name}" if len(things) > 1 else ""
        protect = " (option protect)" if thing.protect else ""
        said = f"{kind}{name} {_short(thing.inputs)}{protect}" + (f" <- {'; '.join(refers)}" if refers else "")
        yield f"{word if not index else '':7} {said}"
    if len(things) > SHOWN:
        yield f"{'':7} and {len(things) - SHOWN} more"


def _short(value: Any, depth: int = 0) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_short(item, depth + 1)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        more = [f"... {len(value) - 2} more"] if len(value) > 3 else []
        items = value[:2] if more else value
        return "[" + ", ".join([*(_short(item, depth + 1) for item in items), *more]) + "]"
    text = json.dumps(value) if not isinstance(value, str) else value or '""'
    if isinstance(value, str) and value[:1] in "{[" and value[:1]:
        try:
            return _short(json.loads(value), depth)
        except ValueError:
            pass
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"


@guarded
def main(names: Annotated[bool, typer.Option("--list", help="Print ids and titles instead.")] = False) -> None:
    """Write docs/policies.md."""
    if names:
        for rule in ALL:
            out().print(f"{rule.id}: {rule.title}", highlight=False)
        return
    part = PAGE.with_name(f"{PAGE.name}.part")
    part.write_text(text(), encoding="utf-8")
    os.replace(part, PAGE)
    out().print(f"wrote docs/{PAGE.name}")


if __name__ == "__main__":
    typer.run(main)
