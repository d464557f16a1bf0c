"""Where the figures of a run go."""

from __future__ import annotations

import builtins
import io
import json
import re
import sys
import types
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from training.errors import BadInput
from training.telemetry import Recorder, StepRecord, recorder, sinks
from training.telemetry.power import PowerMeter


def record(step: int = 1, **changes: Any) -> StepRecord:
    given = {"loss": 2.5, "learning_rate": 1e-3, "grad_norm": 1.0, "tokens": 640, "samples": 10, "step_s": 0.5}
    return StepRecord(step=step, **{**given, "tokens_per_second": 1280.0, "samples_per_second": 20.0, **changes})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_step_is_a_line_of_json_and_what_was_not_measured_is_null(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run") as told:
        told.step(record(1, mfu=0.4, flops_accounting="causal", extra={"accuracy": 0.5}))
        told.step(record(2, loss=float("nan")))
        told.event("checkpoint", step=2, path=tmp_path)
    first, second = lines(tmp_path / "run" / "metrics.jsonl")
    assert (first["step"], first["loss"], first["tokens_per_second"]) == (1, 2.5, 1280.0)
    assert (first["mfu"], first["flops_accounting"], first["accuracy"]) == (0.4, "causal", 0.5)
    assert first["power_w"] is None
    assert second["loss"] is None
    assert second["mfu"] is None
    assert lines(tmp_path / "run" / "events.jsonl")[0]["event"] == "checkpoint"


def test_a_resumed_run_keeps_its_past(tmp_path: Path) -> None:
    for step in (1, 2):
        with Recorder(tmp_path) as told:
            told.step(record(step))
    assert [one["step"] for one in lines(tmp_path / "metrics.jsonl")] == [1, 2]


def test_half_a_line_of_a_killed_run_is_taken_away(tmp_path: Path) -> None:
    with Recorder(tmp_path) as told:
        told.step(record(1))
        told.step(record(2))
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with Recorder(tmp_path) as told:
        told.step(record(2))
    assert [one["step"] for one in lines(path)] == [1, 2]


def test_other_ranks_write_no_files(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run", rank=1, tensorboard=True) as told:
        told.step(record())
    assert not (tmp_path / "run").exists()


def scrape(told: Recorder) -> str:
    assert told.prometheus_address
    with urllib.request.urlopen(told.prometheus_address, timeout=10) as answer:
        return answer.read().decode()


def test_prometheus_tells_the_latest_figures_with_rank_and_accounting(tmp_path: Path) -> None:
    with Recorder(tmp_path, prometheus_port=0, rank=3) as told:
        told.step(record(7, loss=1.25, mfu=0.5, flops_accounting="causal", power_w=300.0))
        told.event("resumed")
        text = scrape(told)
        assert 'training_loss{rank="3"} 1.25' in text
        assert 'training_step{rank="3"} 7.0' in text
        assert re.search(r'training_mfu\{accounting="causal",rank="3"\} 0\.5', text)
        assert 'training_events_total{event="resumed",rank="3"} 1.0' in text
        told.step(record(8))
        assert "training_power_w{" not in scrape(told)  # no longer measured: not the old figure


def test_a_port_that_is_taken_is_one_clear_message(tmp_path: Path) -> None:
    with Recorder(tmp_path, prometheus_port=0) as told:
        assert told.prometheus_address
        port = int(told.prometheus_address.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(BadInput, match=f"prometheus_port: {port} cannot be served"):
            Recorder(tmp_path, prometheus_port=port)


def test_tensorboard_gets_every_figure(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with Recorder(tmp_path, tensorboard=True) as told:
        told.step(record(1))
        told.step(record(2, loss=2.0))
    read = EventAccumulator(str(tmp_path / "tensorboard"))
    read.Reload()
    assert [(one.step, one.value) for one in read.Scalars("loss")] == [(1, 2.5), (2, 2.0)]


def test_missing_packages_are_told_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.partition(".")[0] in {"wandb", "opentelemetry"}:
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadInput) as caught:
        Recorder(tmp_path, wandb=True, otel=True)
    packages = "opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
    assert caught.value.problems == [
        "wandb: its package is not installed; pip install wandb, or leave wandb out",
        f"otel: its package is not installed; pip install {packages}, or leave otel out",
    ]


def test_weights_and_biases_stays_offline_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []
    run = types.SimpleNamespace(log=lambda found, step=None: logged.append((step, found)), finish=lambda: None)
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(init=lambda **_: run))
    monkeypatch.setenv("WANDB_MODE", "")
    monkeypatch.delenv("WANDB_MODE")
    with Recorder(tmp_path, wandb=True) as told:
        import os

        assert os.environ["WANDB_MODE"] == "offline"
        told.step(record(4))
    assert logged[0][0] == 4
    assert logged[0][1]["loss"] == 2.5


def test_a_sink_that_fails_is_left_out_and_the_others_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    class Failing:
        def __init__(self, output: Path) -> None: ...

        def step(self, record: StepRecord) -> None:
            calls.append(record.step)
            raise OSError(28, "No space left on device")

        def event(self, name: str, fields: dict[str, Any]) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr(sinks, "TensorBoard", Failing)
    with Recorder(tmp_path, tensorboard=True) as told:
        told.step(record(1))
        told.step(record(2))
    assert calls == [1]
    assert len(lines(tmp_path / "metrics.jsonl")) == 2
    assert capsys.readouterr().err.count("Failing is off from here on") == 1


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_the_progress_line_is_for_terminals_only() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        line = sinks.Progress(10, stream)
        line.step(record(3, mfu=0.456, power_w=512.0))
        line.close()
    assert pipe.getvalue() == ""
    assert terminal.getvalue() == "\r\x1b[Kstep 3/10 · loss 2.5000 · 1,280 tokens/s · MFU 45.6% · 512 W\n"


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        Recorder(tmp_path / "file")


def fake_nvml(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    state: dict[str, Any] = {"power": 512_000, "energy": 5_000_000, "device": None}

    def handle(index: int) -> str:
        state["device"] = index
        return "device"

    module = types.SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetPowerUsage=lambda _: state["power"],
        nvmlDeviceGetTotalEnergyConsumption=lambda _: state["energy"],
    )
    monkeypatch.setitem(sys.modules, "pynvml", module)
    return state


def test_power_and_energy_are_in_watts_and_joules_since_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    state = fake_nvml(monkeypatch)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    meter = PowerMeter(1)
    assert state["device"] == 6
    state["energy"] += 1_500_000
    assert (meter.measures, meter.power_w(), meter.energy_j()) == (True, 512.0, 1500.0)


def test_without_a_driver_power_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError("NVML Shared Library Not Found")

    monkeypatch.setitem(sys.modules, "pynvml", types.SimpleNamespace(nvmlInit=fail, nvmlShutdown=lambda: None))
    meter = PowerMeter()
    assert (meter.measures, meter.power_w(), meter.energy_j()) == (False, None, None)


def test_the_recorder_names_every_sink() -> None:
    assert {"step", "event", "close"} <= set(vars(recorder.Sink))
