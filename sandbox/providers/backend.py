"""What a provider back end is: plain dicts in, plain dicts out, `Fail` for what the user must read, `HalfMade` for a
resource that exists but is not finished. Holds types only; `protocol` serves a `Backend` to the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc

from sandbox.providers.difference import Difference
from sandbox.providers.wire import Props


class Fail(Exception):
    """One clean line for the user. `code` tells the engine how to treat it; none of them makes it retry."""

    def __init__(self, message: str, code: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION) -> None:
        super().__init__(message)
        self.code = code


class HalfMade(Exception):
    """The resource exists, but a later step failed: the engine keeps `id` and `state`, and the next `up` calls Update
    even if no input changed. Update without a change must therefore run every later step again.
    """

    def __init__(self, id: str, state: Props, inputs: Props, reasons: Sequence[str]) -> None:  # noqa: A002 - protocol
        super().__init__("; ".join(reasons))
        self.id, self.state, self.inputs, self.reasons = id, state, inputs, list(reasons)


@dataclass(frozen=True)
class Target:
    """Which resource a call is about. `timeout`: seconds from customTimeouts, 0 when the user set none."""

    urn: str
    type: str
    name: str
    timeout: float = 0.0


@dataclass(frozen=True)
class Naming:
    """The project's automatic-naming rule for this resource: a name to use, or none allowed (`disabled`)."""

    proposed: str
    disabled: bool
    enforced: bool


@dataclass(frozen=True)
class Problem:
    """What is wrong with one input; shown under the resource, before anything is created."""

    property: str
    reason: str


@dataclass(frozen=True)
class Live:
    """A resource as it is now: its outputs, and the inputs that would make it so (drift is a difference of inputs)."""

    id: str
    state: Props
    inputs: Props


class Backend(Protocol):
    """A cloud behind the protocol. All methods may raise `Fail`; `create`, `update` and `read` also `HalfMade`."""

    version: str
    accept_secrets: bool
    """True: secrets stay marked on the wire and the servicer marks outputs at the same places as the inputs. False: the
    engine sends plain values and marks same-named outputs itself."""

    def check_config(self, news: Props) -> list[Problem]: ...
    def diff_config(self, olds: Props, news: Props) -> Difference: ...
    def configure(self, args: Props) -> None: ...
    def check(
        self, target: Target, olds: Props, news: Props, seed: bytes, naming: Naming | None
    ) -> tuple[Props, list[Problem]]: ...
    def diff(self, target: Target, resource_id: str, old_inputs: Props, news: Props, state: Props) -> Difference: ...
    def create(self, target: Target, inputs: Props, preview: bool) -> tuple[str, Props]: ...
    def read(self, target: Target, resource_id: str, state: Props, inputs: Props) -> Live | None: ...
    def update(
        self,
        target: Target,
        resource_id: str,
        state: Props,
        news: Props,
        old_inputs: Props,
        preview: bool,
    ) -> Props: ...
    def delete(self, target: Target, resource_id: str, state: Props) -> None: ...
    def invoke(self, token: str, args: Props, preview: bool) -> Props: ...
