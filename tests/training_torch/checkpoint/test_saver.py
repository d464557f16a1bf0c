"""A checkpoint is whole or not there: kills, broken files, a full disk, retention."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.training_torch import runs

PRESET = "bloom-560m-tiny"
SHORT = ("evaluate_batches=0", "export=false", "checkpoint.every=5", "schedule.name=constant")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> runs.Trial:
    """A run of 15 steps with the checkpoints of steps 10 and 15."""
    trial = runs.run(tmp_path_factory.mktemp("made") / "run", PRESET, *SHORT, steps=15)
    assert trial.code == 0, trial.errors()
    assert trial.checkpoints() == {"step-10", "step-15"}
    return trial


@pytest.fixture
def copy(made: runs.Trial, tmp_path: Path) -> runs.Trial:
    shutil.copytree(made.output, tmp_path / "run")
    return runs.Trial(tmp_path / "run", [], [])


def cut_shard(place: Path) -> None:
    with (place / "__0_0.distcp").open("r+b") as file:
        file.truncate(1000)


def turn_a_bit(place: Path) -> None:
    file = place / "__0_0.distcp"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut_manifest(place: Path) -> None:
    (place / "manifest.json").write_text((place / "manifest.json").read_text()[:-50])


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (cut_shard, "__0_0.distcp has 1000 bytes, "),
        (turn_a_bit, "__0_0.distcp is not what was written (checksum)"),
        (lambda place: (place / ".metadata").unlink(), ".metadata is missing"),
        (lambda place: (place / "0.random").unlink(), "0.random is missing"),
        (lambda place: (place / "manifest.json").unlink(), "manifest.json: No such file"),
        (cut_manifest, "manifest.json cannot be read"),
    ],
)
def test_a_broken_checkpoint_is_named_and_the_one_before_taken(
    made: runs.Trial, copy: runs.Trial, harm: Callable[[Path], None], message: str
) -> None:
    harm(copy.output / "checkpoints" / "step-15")
    resumed = runs.run(copy.output, PRESET, *SHORT, steps=16)
    assert resumed.code == 0
    told = [line for line in resumed.errors().splitlines() if "step 15" in line]
    assert len(told) == 1
    assert message in told[0]
    assert "kept as step-15.broken" in told[0]
    assert [one["step"] for one in resumed.events("resumed")][-1] == 10
    assert {step: loss for step, loss in resumed.losses().items() if step <= 15} == made.losses()


def test_no_whole_checkpoint_is_an_error_and_nothing_is_started_anew(copy: runs.Trial) -> None:
    for place in (copy.output / "checkpoints").iterdir():
        cut_shard(place)
    for _ in range(2):  # a Job gives the same command again
        resumed = runs.run(copy.output, PRESET, *SHORT, steps=16)
        assert resumed.code == 1
        *named, told = resumed.problems()
        assert [one.split(":")[1] for one in named] == [" checkpoint of step 15", " checkpoint of step 10"]
        assert "none of the checkpoints is whole; --resume never starts from the beginning" in told
        assert resumed.checkpoints() == {"step-10", "step-15"}


def test_a_named_checkpoint_is_taken_and_no_other(copy: runs.Trial, tmp_path: Path) -> None:
    named = copy.output / "checkpoints" / "step-10"
    other = runs.run(tmp_path / "other", PRESET, *SHORT, steps=12, flags=("--resume", str(named)))
    assert other.code == 0, other.errors()
    assert [one["step"] for one in other.events("resumed")] == [10]
    cut_shard(named)
    refused = runs.run(tmp_path / "refused", PRESET, *SHORT, steps=12, flags=("--resume", str(named)))
    assert refused.code == 1
    assert named.is_dir(), "another run's checkpoint is left as it is"
    nothing = runs.run(tmp_path / "nothing", PRESET, *SHORT, steps=12, flags=("--resume", str(tmp_path / "none")))
    assert nothing.code == 2
    assert len(nothing.problems()) == 1


def test_never_keeps_the_earlier_run_aside(made: runs.Trial, copy: runs.Trial) -> None:
    anew = runs.run(copy.output, PRESET, *SHORT, steps=5, flags=("--resume", "never"))
    assert anew.code == 0
    assert "the earlier run is kept as checkpoints.1" in anew.errors()
    assert (copy.output / "checkpoints.1" / "step-15" / "manifest.json").exists()
    assert anew.checkpoints() == {"step-5"}
    assert list(anew.losses()) == [1, 2, 3, 4, 5]
    assert anew.losses()[5] == made.losses()[5]


def test_a_manifest_says_what_was_written(made: runs.Trial) -> None:
    place = made.output / "checkpoints" / "step-15"
    manifest = json.loads((place / "manifest.json").read_text())
    assert (manifest["schema_version"], manifest["step"], manifest["world_size"]) == (1, 15, 1)
    assert set(manifest["files"]) == {one.name for one in place.iterdir()} - {"manifest.json"}
    assert manifest["config"]["optimizer.lr"] == 0.003
    assert len(manifest["config_hash"]) == 64
    assert manifest["state"]["stream"]["samples_seen"] == 15 * 8


def killed_before_commit(_rank: int) -> None:
    """kill -9 with every shard of the second checkpoint written, before it gets its name."""
    import os
    import signal

    from training.checkpoint import folder

    commit = folder.commit

    def die(root: Path, step: int) -> None:
        if step == 10:
            os.kill(os.getpid(), signal.SIGKILL)
        commit(root, step)

    folder.commit = die


def test_a_half_checkpoint_is_never_taken_for_a_whole_one(tmp_path: Path, made: runs.Trial) -> None:
    killed = runs.run(tmp_path / "run", PRESET, *SHORT, steps=15, before=killed_before_commit)
    assert killed.codes == [-9]
    assert "step-10.partial" in killed.checkpoints()
    resumed = runs.run(tmp_path / "run", PRESET, *SHORT, steps=15)
    assert resumed.code == 0
    assert [one["step"] for one in resumed.events("resumed")] == [5]
    assert resumed.checkpoints() == {"step-10", "step-15"}, "what was half is gone"
    assert resumed.losses() == made.losses()


def full_after_first(_rank: int) -> None:
    from training.train.run import Run

    save = Run.save

    def limited(self: Run) -> float:
        if self.saver.saved is not None or self.saver.running is not None:
            self.saver.settle()
            runs.limit_file_size(200_000)
        return save(self)

    Run.save = limited


def test_a_file_that_may_not_grow_leaves_the_previous_checkpoint_and_says_so(tmp_path: Path, made: runs.Trial) -> None:
    full = runs.run(tmp_path / "run", PRESET, *SHORT, steps=10, before=full_after_first)
    assert full.code == 1, "the run did not end with the checkpoint it should have made"
    assert full.checkpoints() == {"step-5"}
    assert len(full.problems()) == 1
    assert "step 10 is not saved: checkpoint of step 10: a file would be too large" in full.problems()[0]
    assert "make room or lower checkpoint.keep; the last whole checkpoint is of step 5" in full.problems()[0]
    assert list(full.losses()) == list(range(1, 11)), "training itself went on"
    resumed = runs.run(tmp_path / "run", PRESET, *SHORT, steps=15)
    assert resumed.code == 0
    assert resumed.losses() == made.losses()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2.5 MB: one checkpoint fits (1.6 MB), a second does not."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", place], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_disk_that_is_full_is_told_and_the_run_goes_on_once_there_is_room(small_disk: Path, made: runs.Trial) -> None:
    """The real thing: ENOSPC in the middle of a file."""
    settings = (*SHORT, "checkpoint.background=false")
    full = runs.run(small_disk / "run", PRESET, *settings, steps=10)
    assert full.code == 1
    assert full.checkpoints() == {"step-5"}
    (problem,) = full.problems()
    assert "step 10 is not saved: checkpoint of step 10: the disk is full" in problem
    assert "make room or lower checkpoint.keep; the last whole checkpoint is of step 5" in problem
    assert list(full.losses()) == list(range(1, 11)), "training itself went on, and its records"
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)
    resumed = runs.run(small_disk / "run", PRESET, *settings, steps=15)
    assert resumed.code == 0, resumed.errors()
    assert resumed.losses() == made.losses()


def written_late(_rank: int) -> None:
    """The thread writes only when training has gone three steps further."""
    import threading

    from training.checkpoint.writer import AtomicWriter

    further = threading.Event()
    runs.at_step(8, lambda _: further.set())
    write = AtomicWriter.write_data

    def late(self: AtomicWriter, *arguments: object) -> object:
        assert further.wait(runs.PATIENCE_S)
        return write(self, *arguments)  # type: ignore[arg-type]

    AtomicWriter.write_data = late  # type: ignore[method-assign]


def test_what_is_written_in_the_background_is_the_state_of_its_step(tmp_path: Path, made: runs.Trial) -> None:
    late = runs.run(tmp_path / "run", PRESET, *SHORT, steps=9, before=written_late)
    assert late.code == 0, late.errors()
    shutil.rmtree(late.output / "checkpoints" / "step-9")
    resumed = runs.run(tmp_path / "run", PRESET, *SHORT, steps=15)
    assert [one["step"] for one in resumed.events("resumed")] == [5]
    assert resumed.losses() == made.losses()


def test_the_stall_of_a_checkpoint_is_measured(made: runs.Trial) -> None:
    stalls = {one["step"]: one["checkpoint_s"] for one in runs.lines(made.output / "metrics.jsonl")}
    assert {step for step, stall in stalls.items() if stall > 0} == {6, 11}, "it is part of the step after it"
    events = {one["step"]: one["stall_s"] for one in made.events("checkpoint")}
    assert (events[5], events[10]) == (stalls[6], stalls[11])
    assert events[15] > 0


def test_young_decides_the_interval_after_the_first_checkpoint(tmp_path: Path) -> None:
    settings = ("evaluate_batches=0", "export=false", "checkpoint.every=none", "checkpoint.mtbf_hours=1e-12")
    trial = runs.run(tmp_path / "run", "mnist-mlp-tiny", *settings, steps=16)
    saved = [one["step"] for one in trial.events("checkpoint")]
    assert saved == list(range(10, 17)), "with a failure every few nanoseconds every step is saved"


def test_another_model_is_refused_before_anything_is_loaded(copy: runs.Trial) -> None:
    refused = runs.run(copy.output, PRESET, *SHORT, "model.overrides.hidden_size=32", steps=16)
    assert refused.code == 2
    assert "[512, 64] in the checkpoint, [512, 32] here" in refused.problems()[0]
    assert "model.overrides.hidden_size was None, is 32" in refused.problems()[-1]
    assert "use its settings, or --resume never" in refused.problems()[-1]


def test_changed_settings_are_named_and_taken(copy: runs.Trial) -> None:
    resumed = runs.run(copy.output, PRESET, *SHORT, "optimizer.lr=0.001", steps=16)
    assert resumed.code == 0
    assert "settings differ from the checkpoint's: optimizer.lr was 0.003, is 0.001" in resumed.errors()
