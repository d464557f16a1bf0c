"""Ranks give the losses of one process, however they share the model, and take up each other's checkpoints."""

from __future__ import annotations

import pytest

from tests.training_torch import runs
from training.errors import BadInput
from training.presets import PRESETS
from training.train.config import ParallelConfig
from training.train.parallel import tensor_degree

STEPS = 12
PRESET = "bloom-560m-tiny"
CLIPPED = "optimizer.clip=0.3"
"""Below the norms of these models: what is clipped wrongly learns otherwise."""
QUICK = (CLIPPED, "evaluate_batches=0", "export=false", "checkpoint.every=none", "checkpoint.at_end=false")
TOLERANCE = 2e-5
"""Sums of float32 in another order."""
SAME = {PRESET: (), "gpt-1.3b-tiny": (), "bert-classifier-tiny": ("model.overrides.dropout=0",)}
"""Settings without which ranks must differ: each drops out other units."""


def curve(trial: runs.Trial) -> list[float]:
    """Losses of all steps, then the gradients' norms."""
    assert trial.code == 0, trial.errors()
    assert sorted(trial.losses()) == list(range(1, STEPS + 1))
    records = runs.lines(trial.output / "metrics.jsonl")
    return [one[figure] for figure in ("loss", "grad_norm") for one in records]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """Losses and norms of one process, by preset."""
    folder = tmp_path_factory.mktemp("alone")
    return {name: curve(runs.run(folder / name, name, *QUICK, *SAME[name], steps=STEPS)) for name in SAME}


@pytest.mark.parametrize(
    ("preset", "strategy", "ranks"),
    [
        (PRESET, "ddp", 2),
        (PRESET, "ddp", 4),
        (PRESET, "fsdp", 2),
        (PRESET, "fsdp", 4),
        (PRESET, "tensor", 2),
        (PRESET, "tensor", 4),
        (PRESET, "fsdp+tensor", 4),
        ("gpt-1.3b-tiny", "fsdp+tensor", 4),
        ("bert-classifier-tiny", "fsdp", 2),
    ],
)
def test_ranks_give_the_loss_curve_of_one_process(tmp_path, alone, preset: str, strategy: str, ranks: int) -> None:
    data_ranks = {"ddp": ranks, "fsdp": ranks, "tensor": 1, "fsdp+tensor": ranks // 2}[strategy]
    whole = 16 if preset.startswith("bert") else 8
    settings = (*QUICK, f"parallel.strategy={strategy}", f"batch.micro={whole // data_ranks}")
    trial = runs.run(tmp_path / "run", preset, *settings, *SAME[preset], steps=STEPS, ranks=ranks)
    assert curve(trial) == pytest.approx(alone[preset], rel=TOLERANCE)


@pytest.mark.parametrize(
    ("ranks", "settings"),
    [
        (1, ("batch.micro=2", "batch.accumulation=4")),
        (2, ("batch.micro=2", "batch.accumulation=2")),
        (2, ("batch.micro=2", "batch.accumulation=2", "parallel.strategy=fsdp")),
        (1, ("model.activation_checkpointing=true",)),
    ],
)
def test_accumulation_and_recomputation_change_no_loss(tmp_path, alone, ranks: int, settings: tuple[str, ...]) -> None:
    trial = runs.run(tmp_path / "run", PRESET, *QUICK, *settings, steps=STEPS, ranks=ranks)
    assert curve(trial) == pytest.approx(alone[PRESET], rel=TOLERANCE)


@pytest.mark.parametrize(
    ("ranks", "settings"),
    [
        (1, ()),
        (2, ("batch.micro=4",)),
        (4, ("batch.micro=4", "parallel.strategy=fsdp+tensor")),
    ],
)
def test_a_checkpoint_is_resharded_for_other_ranks(tmp_path, alone, ranks: int, settings: tuple[str, ...]) -> None:
    """Begun by two ranks of FSDP2, ended by one, by DDP, by FSDP2 and tensor parallel."""
    more = ("evaluate_batches=0", "export=false", CLIPPED)
    begun = ("parallel.strategy=fsdp", "batch.micro=4")
    first = runs.run(tmp_path / "run", PRESET, *more, *begun, steps=STEPS, ranks=2, before=asked_to_stop_at_6)
    assert first.code == 75, first.errors()
    second = runs.run(tmp_path / "run", PRESET, *more, *settings, steps=STEPS, ranks=ranks)
    assert curve(second) == pytest.approx(alone[PRESET], rel=TOLERANCE)
    assert [one["step"] for one in second.events("resumed")] == [6]
    if ranks != 2:
        assert f"made by 2 ranks, resharded for {ranks}" in second.errors()


def whole_parameters_are_counted(_rank: int) -> None:
    """Say how many numbers of the model are whole on this rank, at most, while its weights are made."""
    import sys

    from torch.distributed.tensor import DTensor

    from training.models import bloom

    fresh, most = bloom.Model.init_module, [0]

    def counted(self: bloom.Model, name: str, module: object) -> None:
        whole = [one for one in self.parameters() if not isinstance(one, DTensor) and not one.is_meta]
        most[0] = max(most[0], sum(one.numel() for one in whole))
        fresh(self, name, module)  # type: ignore[arg-type]
        if name == "ln_f":
            print("largest", most[0], "of", sum(one.numel() for one in self.parameters()), file=sys.stderr)

    bloom.Model.init_module = counted  # type: ignore[method-assign]


@pytest.mark.parametrize("strategy", ["fsdp", "fsdp+tensor"])
def test_no_rank_ever_holds_a_sharded_model_whole(tmp_path, strategy: str) -> None:
    """Sharding is for models that fit nowhere: weights are made a module at a time."""
    settings = (*QUICK, f"parallel.strategy={strategy}", "model.overrides.layers=6")
    trial = runs.run(tmp_path / "run", PRESET, *settings, steps=1, ranks=2, before=whole_parameters_are_counted)
    assert trial.code == 0, trial.errors()
    for rank in range(2):
        (line,) = [one.split() for one in trial.errors(rank).splitlines() if one.startswith("largest")]
        norms = 64 * 2 * 15 + 64 * 4 * 15  # tensor parallel leaves norms and biases whole
        assert int(line[1]) <= 512 * 64 + (norms if "tensor" in strategy else 0)
        assert int(line[1]) < 0.2 * int(line[3])


def exported_weights(trial: runs.Trial) -> dict:
    from training import weights

    assert trial.code == 0, trial.errors()
    return weights.load_exported(trial.output / "export").state_dict()


@pytest.mark.parametrize("strategy", ["fsdp", "fsdp+tensor"])
def test_sharded_ranks_start_from_given_weights_as_one_process_does(tmp_path, strategy: str) -> None:
    begun = runs.run(tmp_path / "begun", PRESET, "evaluate_batches=0", steps=1)
    given = ("evaluate_batches=0", f"model.weights={begun.result()['export']}", "optimizer.lr=1e-30")
    ranks = runs.run(tmp_path / "ranks", PRESET, *given, f"parallel.strategy={strategy}", steps=1, ranks=2)
    found, expected = exported_weights(ranks), exported_weights(begun)
    assert all((found[name] == expected[name]).all() for name in expected)


def rank_1_sums_in_another_order(rank: int) -> None:
    """What every tensor rank has whole gets a slightly different gradient on one of them, as of another kernel."""
    import torch

    from training.models import bloom

    if rank != 1:
        return
    build = bloom.Model.__init__

    def drifting(self: bloom.Model, config: bloom.Config) -> None:
        build(self, config)
        self.ln_f.register_full_backward_pre_hook(lambda _, gradients: (gradients[0] * 1.01,))

    bloom.Model.__init__ = drifting  # type: ignore[method-assign]
    torch.set_num_threads(1)


def says_its_norms(rank: int) -> None:
    import hashlib
    import sys

    rank_1_sums_in_another_order(rank)

    def tell(run) -> None:
        weights = b"".join(one.weight.detach().numpy().tobytes() for one in (run.raw.ln_f, run.raw.word_embeddings))
        print("copy", hashlib.sha256(weights).hexdigest(), file=sys.stderr)

    runs.at_step(STEPS, tell)


def test_copies_on_tensor_ranks_stay_the_same(tmp_path) -> None:
    settings = (*QUICK, "parallel.strategy=tensor")
    trial = runs.run(tmp_path / "run", PRESET, *settings, steps=STEPS, ranks=2, before=says_its_norms)
    assert trial.code == 0, trial.errors()
    copies = [line for line in trial.errors().splitlines() if line.startswith("copy")]
    assert len(copies) == 2
    assert len(set(copies)) == 1


COMBINATIONS = [
    (f"{name}-tiny", strategy, PRESETS[name].precision)
    for name in PRESETS
    if not name.endswith("-tiny")
    for strategy in (("ddp", "fsdp", "tensor") if name in {"bloom-560m", "gpt-1.3b"} else ("ddp", "fsdp"))
]


@pytest.mark.parametrize(("preset", "strategy", "precision"), COMBINATIONS)
def test_every_preset_trains_by_every_strategy_in_its_own_precision(
    tmp_path, preset: str, strategy: str, precision: str
) -> None:
    settings = (f"precision={precision}", f"parallel.strategy={strategy}", "evaluate_batches=1", "export=false")
    trial = runs.run(tmp_path / "run", preset, *settings, "checkpoint.at_end=false", steps=2, ranks=2)
    assert trial.code == 0, trial.errors()
    assert trial.result()["dev"]["loss"] < 10


def asked_to_stop_at_6(rank: int) -> None:
    """SIGTERM to one rank of several, as when one node is taken away."""
    if rank == 1:
        runs.at_step(5, lambda run: runs.ask_to_stop())


def compiled_to_no_kernels(_rank: int) -> None:
    """Traced and differentiated as on an accelerator; what the compiler makes of it there takes a minute here."""
    from torch import nn

    compiled = nn.Module.compile
    nn.Module.compile = lambda self, *_, **__: compiled(self, backend="aot_eager")  # type: ignore[method-assign]


def test_compiled_blocks_give_the_same_losses(tmp_path, alone) -> None:
    settings = (*QUICK, "compile=true", "parallel.strategy=fsdp", "batch.micro=4")
    trial = runs.run(tmp_path / "run", PRESET, *settings, steps=STEPS, ranks=2, before=compiled_to_no_kernels)
    assert curve(trial) == pytest.approx(alone[PRESET], rel=TOLERANCE)


def test_fewer_ranks_keep_the_samples_of_a_step(tmp_path) -> None:
    settings = ("evaluate_batches=0", "export=false", "batch.micro=4")
    assert runs.run(tmp_path / "run", PRESET, *settings, steps=4, ranks=2).code == 0
    resumed = runs.run(tmp_path / "run", PRESET, *settings, steps=6, ranks=1)
    assert "batch.accumulation is 2 to keep the 8 samples of a step" in resumed.errors()


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_all_ranks_judge_the_model_that_is_exported(tmp_path, strategy: str) -> None:
    """Ranks saw other samples, so their batch norms have other statistics; rank 0's are the model's."""
    trial = runs.run(tmp_path / "run", "resnet18-tiny", f"parallel.strategy={strategy}", steps=5, ranks=2)
    assert trial.code == 0, trial.errors()
    assert trial.result()["dev"]["loss"] == pytest.approx(runs.loss_of_export(trial), rel=1e-5)


@pytest.mark.parametrize(
    ("parallel", "world", "message"),
    [
        (ParallelConfig(strategy="fsdp+tensor", tensor=3), 4, "parallel.tensor: 3 does not divide the 4 ranks"),
        (ParallelConfig(strategy="tensor", tensor=2), 4, "parallel.tensor: 2 is not the 4 ranks"),
        (ParallelConfig(strategy="fsdp+tensor"), 1, "parallel.tensor: 2 does not divide the 1 ranks"),
    ],
)
def test_a_split_that_cannot_be_names_the_ranks(parallel: ParallelConfig, world: int, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        tensor_degree(parallel, world)


def test_a_model_that_cannot_be_split_says_so_once(tmp_path) -> None:
    trial = runs.run(tmp_path / "run", "mnist-mlp-tiny", "parallel.strategy=tensor", ranks=2)
    assert trial.code == 2
    assert trial.problems() == ["error: parallel.strategy tensor: mlp cannot be split; use ddp or fsdp"]
