"""The places that figures go to, one class each. Optional packages are imported when their sink is made."""

from __future__ import annotations

# pyright: reportMissingImports=false
import contextlib
import json
import math
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from training.errors import BadInput
from training.telemetry.record import StepRecord

Figures = dict[str, Any]
MOST_LINE_BYTES = 1 << 20


def figures(record: StepRecord) -> Figures:
    """A record as one flat mapping, `extra` among the rest. None stays None."""
    found = asdict(record)
    return {**{name: value for name, value in found.items() if name != "extra"}, **found["extra"]}


def numbers(record: StepRecord) -> dict[str, float]:
    """What was measured and is a number, without the step."""
    found = figures(record)
    return {name: float(value) for name, value in found.items() if name != "step" and isinstance(value, int | float)}


class JsonLines:
    """`metrics.jsonl`: a line a step; `events.jsonl`: a line an event. Appended to, so a resumed run keeps its past."""

    def __init__(self, output: Path) -> None:
        try:
            output.mkdir(parents=True, exist_ok=True)
            self._steps = _appended(output / "metrics.jsonl")
            self._events = _appended(output / "events.jsonl")
        except OSError as problem:
            raise BadInput(f"output {output}: cannot be written ({problem.strerror}); give a folder of yours") from None

    def step(self, record: StepRecord) -> None:
        # NaN is no JSON: a loss that is none is written as null, and the trainer says what happened as an event.
        found = {name: _finite(value) for name, value in figures(record).items()}
        self._write(self._steps, {**found, "time": round(time.time(), 3)})

    def event(self, name: str, fields: Figures) -> None:
        self._write(
            self._events,
            {"event": name, **{key: _finite(value) for key, value in fields.items()}, "time": round(time.time(), 3)},
        )

    def close(self) -> None:
        self._steps.close()
        self._events.close()

    @staticmethod
    def _write(file: IO[str], entry: Figures) -> None:
        file.write(json.dumps(entry, default=str) + "\n")
        file.flush()


class Progress:
    """One line that is rewritten, on a terminal only."""

    def __init__(self, total: int | None, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total, self._on, self._open = total, self._stream.isatty(), False

    def step(self, record: StepRecord) -> None:
        if not self._on:
            return
        speed = (
            f"{record.tokens_per_second:,.0f} tokens/s"
            if record.tokens_per_second
            else f"{record.samples_per_second:,.0f} samples/s"
        )
        parts = [
            f"step {record.step}" + (f"/{self._total}" if self._total else ""),
            f"loss {record.loss:.4f}",
            speed,
            *([] if record.mfu is None else [f"MFU {record.mfu:.1%}"]),
            *([] if record.power_w is None else [f"{record.power_w:.0f} W"]),
        ]
        self._stream.write("\r\x1b[K" + " · ".join(parts))
        self._stream.flush()
        self._open = True

    def event(self, name: str, fields: Figures) -> None:
        """Nothing: whoever reports an event tells it in words of his own."""

    def close(self) -> None:
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False


class Prometheus:
    """An HTTP endpoint `/metrics` with the latest figures, as `training_<figure>{rank="..."}`."""

    def __init__(self, port: int, rank: int) -> None:
        try:
            import prometheus_client as client
        except ImportError:
            raise BadInput(_missing("prometheus_port", "prometheus-client")) from None
        self._client, self._registry, self._rank = client, client.CollectorRegistry(), str(rank)
        self._gauges: dict[str, Any] = {}
        self._events = client.Counter("training_events", "Events by name", ["rank", "event"], registry=self._registry)
        try:
            self._server, self._thread = client.start_http_server(port, registry=self._registry)
        except OSError as problem:
            raise BadInput(
                f"prometheus_port: {port} cannot be served ({problem.strerror}); give another one, 0 for any"
            ) from None
        self.address = f"http://127.0.0.1:{self._server.server_port}/metrics"

    def step(self, record: StepRecord) -> None:
        self._set("step", record.step)
        found = numbers(record)
        for name in self._gauges.keys() - {_metric(name) for name in found} - {"training_step"}:
            self._gauges[name].clear()  # no longer measured: an old figure would be a wrong one
        for name, value in found.items():
            # The accounting is part of what the figure means, so it is a label of it.
            self._set(name, value, {"accounting": record.flops_accounting or "unknown"} if name == "mfu" else {})

    def event(self, name: str, fields: Figures) -> None:  # noqa: ARG002 - a counter has no fields
        self._events.labels(self._rank, name).inc()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _set(self, name: str, value: float, labels: dict[str, str] | None = None) -> None:
        labels = {"rank": self._rank, **(labels or {})}
        metric = _metric(name)
        if metric not in self._gauges:
            self._gauges[metric] = self._client.Gauge(metric, name, list(labels), registry=self._registry)
        self._gauges[metric].labels(**labels).set(value)


class TensorBoard:
    """Event files in `output`/tensorboard."""

    def __init__(self, output: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise BadInput(_missing("tensorboard", "tensorboard")) from None
        self._writer = SummaryWriter(str(output / "tensorboard"))

    def step(self, record: StepRecord) -> None:
        for name, value in numbers(record).items():
            self._writer.add_scalar(name, value, record.step)

    def event(self, name: str, fields: Figures) -> None:
        self._writer.add_text(name, json.dumps(fields, default=str))

    def close(self) -> None:
        self._writer.close()


class WeightsAndBiases:
    """A Weights & Biases run. Where it goes say WANDB_MODE (offline here unless set), WANDB_PROJECT and so on."""

    def __init__(self, output: Path) -> None:
        try:
            import wandb
        except ImportError:
            raise BadInput(_missing("wandb", "wandb")) from None
        # Nothing leaves the cluster unless the user says so.
        os.environ.setdefault("WANDB_MODE", "offline")
        self._run = wandb.init(dir=str(output), project=os.environ.get("WANDB_PROJECT", "training"))

    def step(self, record: StepRecord) -> None:
        self._run.log(numbers(record), step=record.step)

    def event(self, name: str, fields: Figures) -> None:
        self._run.log({f"event/{name}": 1, **{f"event/{name}/{key}": value for key, value in fields.items()}})

    def close(self) -> None:
        self._run.finish()


class Otel:
    """OpenTelemetry metrics over OTLP/HTTP; where to is said by the standard OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, output: Path) -> None:  # noqa: ARG002 - as the other sinks
        try:
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
            from opentelemetry.sdk.metrics import MeterProvider
            from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        except ImportError:
            raise BadInput(_missing("otel", "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http")) from None
        self._provider = MeterProvider(metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
        self._meter = self._provider.get_meter("training")
        self._events = self._meter.create_counter("training.events")
        self._gauges: dict[str, Any] = {}

    def step(self, record: StepRecord) -> None:
        for name, value in {"step": float(record.step), **numbers(record)}.items():
            if name not in self._gauges:
                self._gauges[name] = self._meter.create_gauge(f"training.{name}")
            self._gauges[name].set(value)

    def event(self, name: str, fields: Figures) -> None:  # noqa: ARG002 - a counter has no fields
        self._events.add(1, {"event": name})

    def close(self) -> None:
        self._provider.shutdown()


def _metric(name: str) -> str:
    return "training_" + "".join(letter if letter.isalnum() else "_" for letter in name.lower())


def _appended(path: Path) -> IO[str]:
    """Opened for appending, without the half line that a killed run may have left at its end."""
    with contextlib.suppress(FileNotFoundError), path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - MOST_LINE_BYTES, 0))
        tail = file.read()
        if tail and not tail.endswith(b"\n"):
            file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)
    return path.open("a", encoding="utf-8")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _missing(option: str, packages: str) -> str:
    return f"{option}: its package is not installed; pip install {packages}, or leave {option} out"
