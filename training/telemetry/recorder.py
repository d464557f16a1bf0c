"""Where the figures of a run go: a JSON-lines file always, and whatever else was asked for.

Only rank 0 writes files and dashboards; every rank may serve its own Prometheus endpoint (at `prometheus_port` + its
rank on the machine), because power and memory differ by rank. A sink that fails later than at its opening is dropped
with one line on stderr: telemetry never ends a run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol, Self

from training.errors import BadInput, err
from training.telemetry.power import PowerMeter
from training.telemetry.record import StepRecord


class Sink(Protocol):
    """One place that figures go to."""

    def step(self, record: StepRecord) -> None: ...

    def event(self, name: str, fields: dict[str, Any]) -> None: ...

    def close(self) -> None: ...


class Recorder:
    """Takes the figures of each step. Writes `output`/metrics.jsonl and `output`/events.jsonl on rank 0.

    `prometheus_port` 0 takes any free port (see `prometheus_address`). `total_steps` is for the progress line only.
    Raises BadInput with all problems: an optional package that is missing, a port that is taken.
    """

    def __init__(
        self,
        output: Path,
        *,
        prometheus_port: int | None = None,
        tensorboard: bool = False,
        wandb: bool = False,
        otel: bool = False,
        rank: int = 0,
        total_steps: int | None = None,
    ) -> None:
        from training.telemetry import sinks

        self._sinks: list[Sink] = []
        self.power = PowerMeter(int(os.environ.get("LOCAL_RANK", "0")))
        self.prometheus_address: str | None = None
        problems: list[str] = []

        def add(make: Any, *arguments: Any) -> Any:
            try:
                self._sinks.append(make(*arguments))
            except BadInput as problem:
                problems.extend(problem.problems)
                return None
            return self._sinks[-1]

        if rank == 0:
            add(sinks.JsonLines, output)
            add(sinks.Progress, total_steps)
        if prometheus_port is not None:
            local = int(os.environ.get("LOCAL_RANK", "0")) if prometheus_port else 0
            exporter = add(sinks.Prometheus, prometheus_port + local, rank)
            self.prometheus_address = exporter and exporter.address
        for wanted, make in ((tensorboard, sinks.TensorBoard), (wandb, sinks.WeightsAndBiases), (otel, sinks.Otel)):
            if wanted and rank == 0:
                add(make, output)
        if problems:
            self.close()
            raise BadInput(problems)

    def step(self, record: StepRecord) -> None:
        """Record one step."""
        self._each("step", record)

    def event(self, name: str, **fields: Any) -> None:
        """Record something that happened: "resumed", "checkpoint", "evaluation", ... Numbers, strings, booleans."""
        self._each("event", name, fields)

    def close(self) -> None:
        """Write out everything. May be called twice."""
        self._each("close")
        self._sinks = []
        self.power.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _each(self, method: str, *arguments: Any) -> None:
        for sink in list(self._sinks):
            try:
                getattr(sink, method)(*arguments)
            except Exception as problem:  # noqa: BLE001 - a full disk or a dead server must not end the training
                self._sinks.remove(sink)
                err().print(f"telemetry: {type(sink).__name__} is off from here on: {problem}", markup=False)
