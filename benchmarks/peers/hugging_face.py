"""Other people's way to train the same model, in a process of its own: Hugging Face's Trainer, or a bare compiled loop.

`python benchmarks/peers/hugging_face.py '{"model": {...}, ...}'` trains on random tokens and prints one JSON object:
the seconds of each step after the first `skipped`, and versions. The model has the shape of one of ours and fresh
weights; how fast a step is does not depend on them. Settings that would slow the peer down and that a user can switch
off (evaluation, saving, logging every step) are off.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Asked:
    """What to train and how long."""

    model: dict[str, Any]
    """Name (bloom, gpt) and configuration of our model, whose shape the peer's gets."""
    sequence_length: int
    batch: int
    """Sequences of a step."""
    steps: int
    skipped: int
    accumulation: int = 1
    """Forward passes that a step is made of, where the batch does not fit into memory at once."""
    loop: str = "trainer"
    """trainer: Hugging Face's Trainer as its users call it; compiled: forward, backward, step under torch.compile."""
    liger: bool = False
    """Liger Kernel's fused linear and cross-entropy, and its norms."""
    precision: str = "fp32"
    device: str = "cpu"
    lr: float = 5e-5
    weight_decay: float = 0.01
    clip: float = 1.0
    warmup_steps: int = 0


def model_of(asked: Asked) -> nn.Module:
    """Hugging Face's model of the same shape."""
    from transformers import BloomConfig, BloomForCausalLM, LlamaConfig, LlamaForCausalLM

    c = asked.model["config"]
    if asked.model["name"] == "bloom":
        shape: dict[str, Any] = {"n_layer": c["layers"], "n_head": c["heads"], "hidden_size": c["hidden_size"]}
        return BloomForCausalLM(
            BloomConfig(vocab_size=c["vocab_size"], hidden_dropout=0.0, attention_dropout=0.0, use_cache=False, **shape)
        )
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=c["vocab_size"],
            hidden_size=c["hidden_size"],
            intermediate_size=c["ffn_size"],
            num_hidden_layers=c["layers"],
            num_attention_heads=c["heads"],
            max_position_embeddings=asked.sequence_length,
            tie_word_embeddings=True,
            use_cache=False,
        )
    )


def with_liger(model: Any, name: str) -> None:
    """Put Liger's kernels in. For BLOOM, which Liger has no recipe for, its loss and layer norms by hand."""
    if name != "bloom":
        from liger_kernel.transformers import apply_liger_kernel_to_llama  # type: ignore[import-not-found]

        apply_liger_kernel_to_llama(model=model)
        return
    from liger_kernel.transformers import (  # type: ignore[import-not-found]
        LigerFusedLinearCrossEntropyLoss,
        LigerLayerNorm,
    )
    from transformers.modeling_outputs import CausalLMOutputWithCrossAttentions

    loss_of = LigerFusedLinearCrossEntropyLoss()

    def forward(input_ids: torch.Tensor, labels: torch.Tensor, **_: Any) -> Any:
        hidden = model.transformer(input_ids).last_hidden_state[:, :-1].flatten(0, 1)
        weight = model.lm_head.weight.to(hidden.dtype)
        return CausalLMOutputWithCrossAttentions(loss=loss_of(weight, hidden, labels[:, 1:].flatten()))

    model.forward = forward
    for module in list(model.modules()):
        for child_name, child in list(module.named_children()):
            if isinstance(child, nn.LayerNorm):
                new = LigerLayerNorm(child.normalized_shape[0], eps=child.eps)
                new.load_state_dict(child.state_dict())
                setattr(module, child_name, new)


class Tokens(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Random tokens, as many as are asked for, made beforehand."""

    def __init__(self, asked: Asked) -> None:
        vocabulary, shape = asked.model["config"]["vocab_size"], (asked.batch * asked.steps, asked.sequence_length)
        self.rows = torch.randint(1, vocabulary, shape, generator=torch.Generator().manual_seed(0))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


class Energy:
    """Joules of a step, where the device tells: between the end of the skipped steps and the last."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._meter, self._told = asked, None, {}
        if asked.device == "cuda":
            from training.telemetry.power import PowerMeter

            self._meter = PowerMeter()

    def step(self, number: int) -> None:
        """`number` steps have ended."""
        if self._meter is not None and number in {self._asked.skipped + 1, self._asked.steps}:
            self._told[number] = self._meter.energy_j()

    def joules_a_step(self) -> float | None:
        (first, begin), (last, end) = (*self._told.items(), (0, None), (0, None))[:2]
        return None if begin is None or end is None or last <= first else (end - begin) / (last - first)


def by_trainer(model: nn.Module, asked: Asked, energy: Energy) -> list[float]:
    """Seconds of each step of Hugging Face's Trainer."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    ends: list[float] = []

    class Clock(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            wait(asked)
            ends.append(time.perf_counter())
            energy.step(len(ends))

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder,
            per_device_train_batch_size=asked.batch // asked.accumulation,
            gradient_accumulation_steps=asked.accumulation,
            max_steps=asked.steps,
            learning_rate=asked.lr,
            weight_decay=asked.weight_decay,
            max_grad_norm=asked.clip,
            warmup_steps=asked.warmup_steps,
            bf16=asked.precision == "bf16",
            use_cpu=asked.device == "cpu",
            logging_strategy="no",
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        Trainer(model, arguments, train_dataset=Tokens(asked), callbacks=[Clock()]).train()
    return [end - begin for begin, end in itertools.pairwise(ends)][asked.skipped :]


def finished(taken: list[float]) -> list[float]:
    """Time of day at which each of the steps ended that end now."""
    now = time.time()
    if not taken:
        return []
    return [now - after for after in itertools.accumulate([0.0, *reversed(taken[1:])])][::-1]


def by_compiled_loop(model: nn.Module, asked: Asked, energy: Energy) -> list[float]:
    """Seconds of each step of a loop in the manner of nanoGPT: torch.compile, fused AdamW, autocast."""
    model.to(asked.device).train()
    optimizer = torch.optim.AdamW(
        model.parameters(), asked.lr, weight_decay=asked.weight_decay, fused=asked.device != "cpu"
    )
    step, rows, taken = torch.compile(model), Tokens(asked).rows.to(asked.device), []
    for number in range(asked.steps):
        begin = time.perf_counter()
        whole = rows[number * asked.batch : (number + 1) * asked.batch]
        for batch in whole.chunk(asked.accumulation):
            with torch.autocast(asked.device, torch.bfloat16, enabled=asked.precision == "bf16"):
                loss = step(input_ids=batch, labels=batch).loss / asked.accumulation
            loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), asked.clip)
        optimizer.step()
        optimizer.zero_grad()
        wait(asked)
        taken.append(time.perf_counter() - begin)
        energy.step(len(taken))
    return taken[asked.skipped :]


def wait(asked: Asked) -> None:
    """Until the accelerator has done what it was given."""
    if asked.device == "cuda":
        torch.cuda.synchronize()


def main(text: str) -> None:
    import transformers

    asked = Asked(**json.loads(text))
    torch.manual_seed(0)
    model = model_of(asked)
    if asked.liger:
        with_liger(model, asked.model["name"])
    energy = Energy(asked)
    taken = (by_trainer if asked.loop == "trainer" else by_compiled_loop)(model, asked, energy)
    ended = finished(taken)
    memory = torch.cuda.max_memory_allocated() if asked.device == "cuda" else None
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    found = {"step_s": taken, "time": ended, "memory_bytes": memory, "joules_a_step": energy.joules_a_step()}
    print(json.dumps({**found, "versions": versions}))


if __name__ == "__main__":
    main(sys.argv[1])
