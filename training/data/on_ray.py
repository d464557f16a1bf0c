"""The same preparation on a Ray cluster (KubeRay), when the data outgrows one node: one Ray task a part.

    python -m training.data prepare SOURCES --output DIR --ray

Sources and output lie on a file system that all workers share. Parts, shards and manifest are those of
`training.data prepare`, byte for byte; a killed one goes on, on Ray or without. The cluster is found as Ray finds it
(RAY_ADDRESS, `ray job submit`); without one, Ray starts on this machine. Needs the package `ray`, which is not in
requirements.txt. Seen to work with Ray 2.60.0 on one machine; not tried on KubeRay.
"""

from __future__ import annotations

# pyright: reportMissingImports=false
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from training.data.manifest import Manifest
from training.data.parts import Part, Task, make
from training.data.planning import Preparation, plan
from training.data.prepare import Outcome, finish, refuse
from training.data.recipe import Recipe
from training.errors import BadInput

AHEAD = 4
"""Tasks for each core that are handed to Ray before their results are asked for."""


def prepare(
    sources: Sequence[Path],
    output: Path,
    recipe: Recipe,
    *,
    replace: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """As `training.data.prepare.prepare`, its parts made by the cluster. Raises the same, and BadInput without Ray."""
    try:
        import ray
    except ImportError:
        raise BadInput(
            "on_ray: the package ray is not installed; pip install ray, or use training.data prepare"
        ) from None
    # Workers have working folders of their own.
    absolute = [source.resolve() for source in sources]
    planned = plan(absolute, output.resolve(), recipe, replace=replace, tell=tell)
    if isinstance(planned, Manifest):
        return Outcome(planned, 0, 0)
    started = not ray.is_initialized()
    if started:
        ray.init(log_to_driver=False, configure_logging=False)
    try:
        problems: list[str] = []
        for number, part in enumerate(_made(ray, planned), 1):
            problems += part.problems
            tell(f"{number} of {len(planned.tasks)} parts")
    finally:
        if started:
            ray.shutdown()
    refuse(problems)
    return finish(planned, made=len(planned.tasks))


def _made(ray: Any, planned: Preparation) -> Iterator[Part]:
    """Parts as they are finished."""
    work = ray.remote(num_cpus=1, max_retries=3)(make)

    def begin(task: Task) -> Any:
        return work.remote(task, planned.recipe, planned.work, planned.tokenizer)

    most = max(int(ray.cluster_resources().get("CPU", 1)) * AHEAD, 1)
    waiting, running = list(reversed(planned.tasks)), []
    while waiting or running:
        while waiting and len(running) < most:
            running.append(begin(waiting.pop()))
        done, running = ray.wait(running, num_returns=1)
        yield from ray.get(done)
