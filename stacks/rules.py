"""How rules between the sections of a stack file are kept and run; they are in `aws_rules`, `gcp_rules`, `place_rules`.

A rule is a function whose parameters are named after the sections it reads; it runs when all of them are valid, so one
mistake does not hide another. A section that may be absent is a parameter with a default. Of sections with entries by
name, the valid entries are enough for a `rule`; a `rule_on_whole_sections` needs them all. Rules yield sentences.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from components.benchmark_job import BenchmarkSpec
from components.placement import Placement
from components.training_job import RunSpec, TrainingSpec

Rule = Callable[..., Iterator[str]]


class Rulebook:
    """The rules of one cloud, in the order in which they are written."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []
        self._whole: set[Rule] = set()

    def rule(self, function: Rule) -> Rule:
        """Adds a rule."""
        self._rules.append(function)
        return function

    def rule_on_whole_sections(self, function: Rule) -> Rule:
        """Adds a rule that says nothing where a section lacks invalid entries."""
        self._whole.add(function)
        return self.rule(function)

    def broken(self, sections: Mapping[str, Any], partial: Collection[str] = ()) -> list[str]:
        """Sentences of all rules whose sections are at hand.

        Invalid sections are missing and absent ones None; `partial` names those that lack invalid entries.
        """
        found: list[str] = []
        for function in self._rules:
            wanted = inspect.signature(function).parameters
            if function in self._whole and any(name in partial for name in wanted):
                continue
            required = [name for name, parameter in wanted.items() if parameter.default is parameter.empty]
            if all(name in sections for name in wanted) and all(sections[name] is not None for name in required):
                found.extend(function(**{name: sections[name] for name in wanted}))
        return found


def broken_jobs(
    sections: Mapping[str, Mapping[str, RunSpec]], placements: Mapping[str, Placement], *, file_system: bool
) -> Iterator[str]:
    """Jobs without a pool, ranks that do not divide a node's devices, data on a file system that the pool lacks."""
    for section, jobs in sections.items():
        for name, spec in jobs.items():
            where = f"`{section}[{name}]"
            place = placements.get(spec.pool)
            if place is None:
                known = ", ".join(sorted(placements))
                yield f"{where}.pool`: {spec.pool} is no pool ({known}). Correct it or add one."
                continue
            if spec.ranks and not divides(spec.ranks, place):
                yield (
                    f"{where}.ranks`: {spec.ranks} ranks on {place.nodes} nodes of {place.instance.name} do not divide "
                    "a node's devices evenly. Choose another number."
                )
            files = spec.needs_files(spec.ranks or place.nodes)
            if files and not (file_system and place.mounts_file_system):
                yield (
                    f"{where}.pool`: {files} lies on the file system, which pods of {spec.pool} do not mount. Add a "
                    "file-system section and set mount-file-system in the pool."
                )


def broken_benchmarks(benchmark: Mapping[str, BenchmarkSpec], placements: Mapping[str, Placement]) -> Iterator[str]:
    """Benchmarks without a pool, and ranks that do not divide a node's devices."""
    for name, spec in benchmark.items():
        if name not in placements:
            known = ", ".join(sorted(placements))
            yield f"`benchmark[{name}]`: no pool has this name ({known}). Correct it or add one."
        elif spec.ranks and not divides(spec.ranks, placements[name]):
            place = placements[name]
            yield (
                f"`benchmark[{name}].ranks`: {spec.ranks} ranks on {place.nodes} nodes of {place.instance.name} do not "
                "divide a node's devices evenly. Choose another number."
            )


def broken_starts(training: Mapping[str, TrainingSpec], benchmark: Mapping[str, BenchmarkSpec]) -> Iterator[str]:
    """Runs that wait for the acceptance of a pool that nothing measures."""
    for name, spec in training.items():
        if spec.start == "when-accepted" and spec.pool not in benchmark:
            yield (
                f"`training[{name}].start`: when-accepted waits for the benchmark of {spec.pool}, and there is none. "
                f"Add benchmark[{spec.pool}], or write at-once."
            )


def divides(ranks: int, placement: Placement) -> bool:
    """Whether a node's devices can be shared evenly by the pods of so many ranks."""
    try:
        placement.share(placement.pods_per_node(ranks))
    except ValueError:
        return False
    return True
