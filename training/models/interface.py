"""What the trainer may rely on in every model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from torch import Tensor, nn

from training.models.output import Output

Task = Literal["causal-lm", "classification", "binary"]
"""What the logits mean; see `output`."""


class Model(nn.Module):
    """A model: its configuration, its task, its layers."""

    config: Any
    """The frozen configuration, a dataclass."""
    task: ClassVar[Task]

    def forward(self, batch: Mapping[str, Tensor]) -> Output:
        """See `training.models.output`."""
        raise NotImplementedError

    def init_module(self, name: str, module: nn.Module) -> None:
        """Fresh weights of one of the modules, from PyTorch's global generator: of its own parameters and buffers."""
        raise NotImplementedError

    def init_weights(self) -> None:
        """Fresh weights of all of them, in place. For a model in shares: `shares.initialise`."""
        for name, module in self.named_modules():
            self.init_module(name, module)

    def blocks(self) -> Sequence[nn.Module]:
        """The layers that repeat, in order: units of sharding, recomputation and compilation. Empty: none worth it."""
        return ()

    def tensor_parallel_plan(self) -> dict[str, Any]:
        """Module name (with wildcards) to `torch.distributed.tensor.parallel` style, for `parallelize_module`.

        Empty: this model cannot be split inside its layers.
        """
        return {}
