"""Text classifiers: bert-classifier (encoder, one linear layer), bert-bilstm (embedding, bidirectional LSTM)."""

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

BERT_CLASSIFIER = TrainConfig(
    preset="bert-classifier",
    model=ModelConfig(name="bert", size="base"),
    data=DataConfig(kind="texts", sequence_length=512),
    batch=BatchConfig(micro=16, evaluation=64),
    optimizer=OptimizerConfig(name="adam", lr=1e-5),
    checkpoint=CheckpointConfig(every=500),
    telemetry=TelemetryConfig(log_every=10),
    epochs=3,
    precision="bf16",
)
BERT_TINY = replace(
    BERT_CLASSIFIER,
    preset="bert-classifier-tiny",
    model=ModelConfig(name="bert", size="tiny"),
    data=DataConfig(kind="texts", sequence_length=32),
    optimizer=OptimizerConfig(name="adam", lr=3e-3),
    checkpoint=CheckpointConfig(every=10),
    telemetry=TelemetryConfig(log_every=1),
    precision="fp32",
)
BERT_BILSTM = TrainConfig(
    preset="bert-bilstm",
    model=ModelConfig(name="bilstm", size="base"),
    # 10,000 texts to train on; Keras' Adam, whose default rate is 0.001.
    data=DataConfig(kind="texts", sequence_length=128, samples=10_000),
    batch=BatchConfig(micro=32, evaluation=64),
    optimizer=OptimizerConfig(name="adam", lr=1e-3),
    checkpoint=CheckpointConfig(every=500),
    telemetry=TelemetryConfig(log_every=10),
    epochs=3,
)
BILSTM_TINY = replace(
    BERT_BILSTM,
    preset="bert-bilstm-tiny",
    model=ModelConfig(name="bilstm", size="tiny"),
    data=DataConfig(kind="texts", sequence_length=32),
    optimizer=OptimizerConfig(name="adam", lr=3e-2),
    checkpoint=CheckpointConfig(every=10),
    telemetry=TelemetryConfig(log_every=1),
)

PRESETS = (BERT_CLASSIFIER, BERT_TINY, BERT_BILSTM, BILSTM_TINY)
