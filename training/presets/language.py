"""Causal language models: bloom-560m by the defaults of Hugging Face's Trainer, gpt-1.3b by the same recipe.

The recipe: AdamW 5e-5, weight decay 0.01, 500 steps of warm-up, linear decay, gradients clipped to 1, 3 epochs, 16
sequences of 2048 tokens per device. Trainer's own defaults: transformers, `TrainingArguments`.
"""

from __future__ import annotations

from dataclasses import replace

from training.train.config import (
    BatchConfig,
    CheckpointConfig,
    DataConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TelemetryConfig,
    TrainConfig,
)

BLOOM_560M = TrainConfig(
    preset="bloom-560m",
    model=ModelConfig(name="bloom", size="560m"),
    data=DataConfig(kind="tokens", sequence_length=2048),
    batch=BatchConfig(micro=16, evaluation=64),
    optimizer=OptimizerConfig(name="adamw", lr=5e-5, weight_decay=0.01, clip=1.0),
    schedule=ScheduleConfig(name="linear", warmup_steps=500),
    checkpoint=CheckpointConfig(every=500),
    telemetry=TelemetryConfig(log_every=10),
    epochs=3,
    precision="bf16",
    compile=True,
)
BLOOM_TINY = replace(
    BLOOM_560M,
    preset="bloom-560m-tiny",
    model=ModelConfig(name="bloom", size="tiny"),
    data=DataConfig(kind="tokens", sequence_length=64),
    batch=BatchConfig(micro=8, evaluation=8),
    # A model of a hundred thousand weights, trained for tens of steps, wants a higher rate and a shorter warm-up.
    optimizer=replace(BLOOM_560M.optimizer, lr=3e-3),
    schedule=ScheduleConfig(name="linear", warmup_steps=5),
    checkpoint=CheckpointConfig(every=10),
    telemetry=TelemetryConfig(log_every=1),
    precision="fp32",
    compile=False,
)
GPT_1_3B = replace(BLOOM_560M, preset="gpt-1.3b", model=ModelConfig(name="gpt", size="1.3b"))
GPT_TINY = replace(BLOOM_TINY, preset="gpt-1.3b-tiny", model=ModelConfig(name="gpt", size="tiny"))

PRESETS = (BLOOM_560M, BLOOM_TINY, GPT_1_3B, GPT_TINY)
