"""Image models: resnet18 on image folders, mnist-mlp on handwritten digits."""

from __future__ import annotations

from dataclasses import replace

from training.train.config import (
    BatchConfig,
    CheckpointConfig,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    TelemetryConfig,
    TrainConfig,
)

RESNET18 = TrainConfig(
    preset="resnet18",
    model=ModelConfig(name="resnet", size="18"),
    # Resized to 256, the centre of 224 cut out, normalised by ImageNet's statistics: done when the shards are made.
    data=DataConfig(kind="images", image_size=224),
    batch=BatchConfig(micro=32, evaluation=64),
    optimizer=OptimizerConfig(name="sgd", lr=0.01),
    checkpoint=CheckpointConfig(every=1000),
    telemetry=TelemetryConfig(log_every=10),
    epochs=10,
    precision="bf16",
)
RESNET_TINY = replace(
    RESNET18,
    preset="resnet18-tiny",
    model=ModelConfig(name="resnet", size="tiny"),
    data=DataConfig(kind="images", image_size=32),
    batch=BatchConfig(micro=16, evaluation=32),
    optimizer=OptimizerConfig(name="sgd", lr=0.05),
    checkpoint=CheckpointConfig(every=10),
    telemetry=TelemetryConfig(log_every=1),
    precision="fp32",
)
MNIST_MLP = TrainConfig(
    preset="mnist-mlp",
    model=ModelConfig(name="mlp", size="base"),
    data=DataConfig(kind="digits", samples=60_000, evaluation_samples=10_000),
    batch=BatchConfig(micro=64, evaluation=256),
    optimizer=OptimizerConfig(name="adam", lr=0.001),
    checkpoint=CheckpointConfig(every=1000),
    telemetry=TelemetryConfig(log_every=10),
    epochs=10,
)
MNIST_TINY = replace(
    MNIST_MLP,
    preset="mnist-mlp-tiny",
    model=ModelConfig(name="mlp", size="tiny"),
    data=DataConfig(kind="digits", samples=2048),
    optimizer=OptimizerConfig(name="adam", lr=0.01),
    checkpoint=CheckpointConfig(every=10),
    telemetry=TelemetryConfig(log_every=1),
    epochs=1,
)

PRESETS = (RESNET18, RESNET_TINY, MNIST_MLP, MNIST_TINY)
