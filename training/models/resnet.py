"""ResNet-18 (He et al., arXiv 1512.03385): basic blocks, batch normalisation.

Parameter names are those of torchvision's ResNet, so that its weights fit. Leaves out the deeper ResNets' bottleneck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.models import interface
from training.models.output import Output


@dataclass(frozen=True)
class Config:
    """Size of one ResNet of basic blocks."""

    widths: Sequence[int] = (64, 128, 256, 512)
    """Channels of each stage; each but the first halves height and width."""
    blocks: Sequence[int] = (2, 2, 2, 2)
    classes: int = 1000

    def __post_init__(self) -> None:
        for name in ("widths", "blocks"):  # files have lists
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.widths) != 4 or len(self.blocks) != 4:
            raise ValueError(f"widths {self.widths} and blocks {self.blocks}: a ResNet has four stages, give four each")


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        kept = x if self.downsample is None else self.downsample(x)
        x = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(x)) + kept)


class Model(interface.Model):
    """Images [b, 3, h, w], normalised, to classes."""

    task = "classification"

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        first = config.widths[0]
        self.conv1 = nn.Conv2d(3, first, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        inputs = first
        for stage, (width, count) in enumerate(zip(config.widths, config.blocks, strict=True), start=1):
            strides = [1 if stage == 1 else 2] + [1] * (count - 1)
            layers = []
            for stride in strides:
                layers.append(BasicBlock(inputs, width, stride))
                inputs = width
            setattr(self, f"layer{stage}", nn.Sequential(*layers))
        self.fc = nn.Linear(inputs, config.classes)

    def init_module(self, name: str, module: nn.Module) -> None:  # noqa: ARG002 - all of a kind are alike
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d | nn.Linear):
            module.reset_parameters()

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        images = batch["images"]
        if images.is_cuda:
            # cuDNN's fast kernels for halves want the channels last; with the images so, all layers follow.
            images = images.contiguous(memory_format=torch.channels_last)
        x = functional.relu(self.bn1(self.conv1(images)))
        x = functional.max_pool2d(x, 3, 2, 1)
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        logits = self.fc(x.mean((2, 3)))
        labels = batch.get("labels")
        return Output(None if labels is None else functional.cross_entropy(logits.float(), labels), logits)
