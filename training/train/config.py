"""Every setting of a training run, as frozen dataclasses: names, defaults, what is allowed. Imports no PyTorch.

Holds the shape and the limits; the values of the presets are in `training.presets`, how a file and flags change them in
`overrides`. A setting's documentation is its `help`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def option(
    default: Any,
    text: str,
    *,
    choices: tuple[str, ...] | None = None,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
) -> Any:
    """A setting: its default, what it means, which values are allowed (`least` <= value <= `most`, `above` < value)."""
    limits = {"help": text, "choices": choices, "least": least, "above": above, "most": most}
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=limits)
    return field(default=default, metadata=limits)


@dataclass(frozen=True)
class ModelConfig:
    name: str = option("bloom", "architecture", choices=("bloom", "gpt", "resnet", "bert", "bilstm", "mlp"))
    size: str = option("tiny", "named size of the architecture (training.models.CONFIGS)")
    overrides: Mapping[str, Any] = option({}, "fields of the model's own configuration, e.g. model.overrides.layers=4")
    weights: str | None = option(None, "folder with Hugging Face or exported weights to start from; none: from scratch")
    activation_checkpointing: bool = option(
        False, "recompute the activations of each layer: less memory, a third more work"
    )


@dataclass(frozen=True)
class DataConfig:
    kind: str = option("tokens", "what a sample is", choices=("tokens", "texts", "images", "digits"))
    source: str = option("synthetic", "folder of prepared shards, or synthetic")
    sequence_length: int = option(128, "tokens of a sample", least=1)
    image_size: int = option(224, "height and width of an image in pixels", least=8)
    samples: int | None = option(None, "synthetic data: samples of an epoch; none: endless", least=1)
    evaluation_samples: int = option(256, "synthetic data: samples of the evaluation set", least=1)
    cache: str | None = option(None, "folder on a local disk into which shards are copied on first use")
    verify: str = option("checksum", "what a shard must match on first use", choices=("checksum", "size"))
    prefetch: int = option(4, "batches made ahead", least=0)


@dataclass(frozen=True)
class BatchConfig:
    micro: int = option(8, "samples of one forward pass of one rank", least=1)
    accumulation: int = option(1, "forward passes of one optimizer step", least=1)
    evaluation: int = option(64, "samples of one forward pass of an evaluation", least=1)


@dataclass(frozen=True)
class OptimizerConfig:
    name: str = option("adamw", "optimizer", choices=("adamw", "adam", "sgd"))
    lr: float = option(5e-5, "highest learning rate", above=0)
    weight_decay: float = option(0.0, "decay of the matrices (biases and norms never decay)", least=0)
    beta1: float = option(0.9, "Adam: decay of the first moment", least=0, most=1)
    beta2: float = option(0.999, "Adam: decay of the second moment", least=0, most=1)
    eps: float = option(1e-8, "Adam: added to the denominator", above=0)
    momentum: float = option(0.0, "SGD: momentum", least=0, most=1)
    clip: float | None = option(None, "largest norm of the gradients; none: not clipped", above=0)
    fused: bool = option(True, "one kernel for all parameters, where the device has it")


@dataclass(frozen=True)
class ScheduleConfig:
    name: str = option("constant", "learning rate after the warm-up", choices=("constant", "linear", "cosine"))
    warmup_steps: int = option(0, "steps over which the learning rate rises from 0", least=0)
    floor: float = option(0.0, "where linear and cosine end, as a fraction of optimizer.lr", least=0, most=1)


@dataclass(frozen=True)
class ParallelConfig:
    strategy: str = option(
        "ddp",
        "ddp copies the model to each rank, fsdp shards it (FSDP2), tensor splits its matrices, fsdp+tensor does both",
        choices=("ddp", "fsdp", "tensor", "fsdp+tensor"),
    )
    tensor: int | None = option(None, "ranks that share each matrix; none: all for tensor, 2 for fsdp+tensor", least=1)
    timeout_s: float = option(600.0, "seconds after which a collective of a dead or stuck rank fails", above=0)


@dataclass(frozen=True)
class CheckpointConfig:
    every: int | None = option(None, "steps between checkpoints; none: only at the end and when asked to stop", least=1)
    mtbf_hours: float | None = option(
        None, "mean hours between failures of the whole job: `every` then follows Young's formula", above=0
    )
    keep: int = option(2, "whole checkpoints to keep", least=1)
    background: bool = option(True, "write while training goes on; false: stop until the checkpoint is whole")
    at_end: bool = option(True, "save a checkpoint after the last step")


@dataclass(frozen=True)
class TelemetryConfig:
    log_every: int = option(1, "steps between records", least=1)
    peak_tflops: float | None = option(
        None, "dense peak of one accelerator in the run's precision, for MFU; none: MFU is not measured", above=0
    )
    prometheus_port: int | None = option(None, "port of the Prometheus endpoint", least=0, most=65535)
    tensorboard: bool = option(False, "write TensorBoard files")
    wandb: bool = option(False, "report to Weights & Biases")
    otel: bool = option(False, "report over OpenTelemetry")


@dataclass(frozen=True)
class TrainConfig:
    """One run. The defaults are those of no recipe: start from a preset."""

    preset: str
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    batch: BatchConfig = field(default_factory=BatchConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    parallel: ParallelConfig = field(default_factory=ParallelConfig)
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)
    epochs: int = option(1, "passes over the data, where `steps` is none", least=1)
    steps: int | None = option(None, "optimizer steps; none: by epochs", least=1)
    seed: int = option(0, "of the weights, the data order and dropout", least=0)
    precision: str = option(
        "fp32", "of the forward and backward pass; weights stay float32", choices=("bf16", "fp16", "fp32")
    )
    tf32: bool = option(
        False, "float32 products in TF32 on accelerators: several times as fast, with the 10 bits of a half's fraction"
    )
    compile: bool = option(False, "torch.compile")
    device: str = option("auto", "auto takes the accelerator where there is one", choices=("auto", "cpu", "cuda"))
    evaluate_every: int | None = option(None, "steps between evaluations; none: only at the end", least=1)
    evaluate_batches: int | None = option(
        None,
        "batches of one evaluation at most, chosen from the whole split; none: 16 during training and all of it at the "
        "end; 0: none is made",
        least=0,
    )
    export: bool = option(True, "write the model as safetensors at the end")
