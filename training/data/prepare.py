"""A preparation: files → parts (parallel over files and Job indexes) → shards and a manifest.

Any number of processes work on one output folder, each on the files of its index; whoever finishes last packs. There
is no leader and no waiting. A killed one is started again with the same command and goes on.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
import contextlib
import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.data import manifest, packing, parts
from training.data import tokenizer as tokenizers
from training.data.manifest import Manifest
from training.data.parts import Part, Task
from training.data.planning import Preparation, plan
from training.data.recipe import Recipe
from training.errors import BadInput

MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Outcome:
    """What one process found when it had done its share."""

    manifest: Manifest | None
    """None: other indexes still work on theirs."""
    missing: int
    """Parts that other indexes have not made yet."""
    made: int
    """Parts that this process made or found."""


def prepare(
    sources: Sequence[Path],
    output: Path,
    recipe: Recipe,
    *,
    index: int = 0,
    of: int = 1,
    workers: int = 1,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Do the share of one index, and pack if it was the last one.

    Raises BadInput with all problems (no such source, unreadable rows, other data in the output folder), TrainingError
    on a full disk. Nothing is lost either way: the next run goes on.
    """
    planned = plan(sources, output, recipe, index=index, of=of, replace=replace, tell=tell)
    if isinstance(planned, Manifest):
        tell("nothing to do: the folder holds exactly this")
        return Outcome(planned, 0, 0)
    own = planned.tasks[index::of]
    problems: list[str] = []
    for number, part in enumerate(_made(planned, own, workers), 1):
        problems += part.problems
        tell(f"{number} of {len(own)} parts")
    refuse(problems)
    return finish(planned, made=len(own))


def refuse(problems: Sequence[str]) -> None:
    """Raises BadInput with the first problems, if there are any."""
    if problems:
        more = len(problems) - MOST_PROBLEMS
        raise BadInput([*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])])


def finish(planned: Preparation, made: int = 0) -> Outcome:
    """Pack and write the manifest, if every part is there."""
    with _alone(planned.work):
        if (planned.output / manifest.FILE_NAME).is_file():
            return Outcome(manifest.read(planned.output), 0, made)  # another index was faster
        found = [parts.find(task, planned.work) for task in planned.tasks]
        whole = [part for part in found if part is not None]
        if len(whole) < len(found):
            return Outcome(None, len(found) - len(whole), made)
        written = _write(planned, whole)
        shutil.rmtree(planned.work, ignore_errors=True)
        return Outcome(written, 0, made)


def _write(planned: Preparation, made: Sequence[Part]) -> Manifest:
    recipe = planned.recipe
    packed = packing.pack(made, recipe, planned.work, planned.output)
    if not any(packed.documents.values()):
        raise BadInput(f"data: nothing is left of {len(planned.tasks)} files after cleaning; see the recipe's limits")
    counts: Counter[str] = Counter()
    for part in made:
        counts.update(part.counts)
    used = None
    if recipe.kind in {"tokens", "texts"}:
        loaded = tokenizers.load(planned.tokenizer)
        used = {name: getattr(loaded, name) for name in ("name", "sha256", "vocabulary", "end", "pad")}
        if planned.tokenizer != tokenizers.BYTE:
            shutil.copyfile(planned.tokenizer, planned.output / tokenizers.FILE_NAME)
    read = counts.pop("read", 0)
    found = Manifest(
        kind=recipe.kind,
        preparation=planned.key,
        recipe={**recipe.as_dict(), "tokenizer": used and used["name"]},
        tokenizer=used,
        classes=packed.classes if recipe.kind != "tokens" else [],
        counts={
            "read": read,
            "dropped": {**counts, **({"duplicate": packed.duplicates} if packed.duplicates else {})},
            "documents": {name: number for name, number in packed.documents.items() if number},
            "records": {name: sum(one.records for one in entries) for name, entries in packed.splits.items()},
        },
        sources=[
            {"file": file, "bytes": path.stat().st_size}
            for task in planned.tasks
            for file, path in zip(task.files, task.paths, strict=True)
        ],
        splits=packed.splits,
    )
    manifest.write(planned.output, found)
    named = {one.file for entries in found.splits.values() for one in entries}
    for path in planned.output.glob("*-[0-9][0-9][0-9][0-9][0-9].bin"):
        if path.name not in named:
            path.unlink()  # of the data that this replaces
    return found


def _made(planned: Preparation, tasks: Sequence[Task], workers: int) -> Iterator[Part]:
    """Parts as they are finished, in order."""
    arguments = (planned.recipe, planned.work, planned.tokenizer)
    if workers <= 1 or len(tasks) <= 1:
        yield from (parts.make(task, *arguments) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")  # no fork: libraries below have threads
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context) as pool:
        futures = [pool.submit(parts.make, task, *arguments) for task in tasks]
        try:
            for future in futures:
                yield future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            raise


@contextlib.contextmanager
def _alone(work: Path) -> Iterator[None]:
    """One process at a time, where the file system has locks; elsewhere two write the same bytes."""
    import fcntl

    try:
        lock: Any = (work / "lock").open("a")
    except OSError:
        yield  # another index packed and removed the folder
        return
    with lock:
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def default_workers() -> int:
    """One for each core this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
