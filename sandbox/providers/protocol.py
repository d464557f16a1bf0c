"""The engine's provider protocol over a plain-Python back end.

`Servicer` turns a `Backend` into the gRPC service: wire values, secrets, detailed differences, error codes. It leaves
out components (Construct), schemas and mappings; a subclass may add them with `self.answer`. The types of `backend` are
re-exported, so that a provider imports from here only.
"""

from __future__ import annotations

import logging
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from sandbox.providers import wire
from sandbox.providers.backend import Backend, Fail, HalfMade, Live, Naming, Problem, Target
from sandbox.providers.difference import Difference, Kind, root
from sandbox.providers.wire import Props

__all__ = [
    "Backend",
    "Difference",
    "Fail",
    "HalfMade",
    "Kind",
    "Live",
    "Naming",
    "Problem",
    "Props",
    "Servicer",
    "Target",
]

LOG = logging.getLogger(__name__)
R = TypeVar("R")


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """The gRPC service over `backend`.

    `cancelled` is set on Cancel (ctrl-C) and when the engine is gone: long waits must watch it. `idle` is set while no
    call runs.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.cancelled = threading.Event()
        self.idle = threading.Event()
        self.idle.set()
        self._running = 0
        self._lock = threading.Lock()
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self.engine_address = ""

    def connect(self, address: str) -> None:
        """Remember the engine's address (first program argument, Handshake or Attach)."""
        self.engine_address = address

    def tell(self, target: Target, message: str, *, status: bool = True, warning: bool = False) -> None:
        """Show a line beside the resource while it is worked on (`status`) or in the diagnostics. Never fails."""
        if not self.engine_address:
            return
        try:
            if self._engine is None:
                self._engine = engine_pb2_grpc.EngineStub(grpc.insecure_channel(self.engine_address))
            severity = engine_pb2.WARNING if warning else engine_pb2.INFO
            request = engine_pb2.LogRequest(severity=severity, message=message, urn=target.urn, ephemeral=status)
            self._engine.Log(request, timeout=2)
        except grpc.RpcError:
            LOG.info("the engine did not take a log line")

    # How every call is answered.

    def answer(self, context: grpc.ServicerContext, call: str, work: Callable[[], R]) -> R:
        """Run `work`; turn its exceptions into gRPC codes. Never lets a traceback reach the user."""
        with self._lock:
            self._running += 1
            self.idle.clear()
        try:
            return work()
        except HalfMade as error:
            LOG.warning("%s: half made", call)  # reasons may quote values, and a value may be secret
            self._abort_half_made(context, error)
        except Fail as error:
            LOG.warning("%s: refused, %s", call, error.code.name)
            context.abort(error.code, str(error))
        except Exception as error:
            LOG.exception("%s: fault", call)
            context.abort(grpc.StatusCode.INTERNAL, fault(error))
        finally:
            with self._lock:
                self._running -= 1
                if not self._running:
                    self.idle.set()
        raise AssertionError("abort returned")

    def _abort_half_made(self, context: grpc.ServicerContext, error: HalfMade) -> None:
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.id, properties=wire.struct(error.state), inputs=wire.struct(error.inputs), reasons=error.reasons
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
        status.details.add().Pack(detail)
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, str(error))

    def _struct(self, data: Props, *sources: struct_pb2.Struct) -> struct_pb2.Struct:
        result = wire.struct(data)
        return wire.mark_secrets(result, sources) if self.backend.accept_secrets else result

    # Plugin life.

    def Handshake(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.connect(request.engine_address)
        secrets = self.backend.accept_secrets
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=secrets, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        return plugin_pb2.PluginInfo(version=self.backend.version)

    def Attach(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.connect(request.address)
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.cancelled.set()
        return empty_pb2.Empty()

    # Provider configuration.

    def CheckConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            return provider_pb2.CheckResponse(
                inputs=request.news, failures=failures(self.backend.check_config(wire.props(request.news)))
            )

        return self.answer(context, "CheckConfig", work)

    def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            olds = wire.props(request.old_inputs if request.old_inputs.fields else request.olds)
            return diff_response(self.backend.diff_config(olds, wire.props(request.news)))

        return self.answer(context, "DiffConfig", work)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            self.backend.configure(wire.props(request.args))
            return provider_pb2.ConfigureResponse(
                acceptSecrets=self.backend.accept_secrets, supportsPreview=True, supports_autonaming_configuration=True
            )

        return self.answer(context, "Configure", work)

    # Resources.

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            inputs, problems = self.backend.check(
                target(request), wire.props(request.olds), wire.props(request.news), request.randomSeed, naming(request)
            )
            return provider_pb2.CheckResponse(inputs=wire.apply(request.news, inputs), failures=failures(problems))

        return self.answer(context, f"Check {request.urn}", work)

    def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            difference = self.backend.diff(
                target(request),
                request.id,
                wire.props(request.old_inputs),
                wire.props(request.news),
                wire.props(request.olds),
            )
            return diff_response(difference)

        return self.answer(context, f"Diff {request.urn}", work)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            made, state = self.backend.create(target(request), wire.props(request.properties), request.preview)
            return provider_pb2.CreateResponse(id=made, properties=self._struct(state, request.properties))

        return self.answer(context, f"Create {request.urn}", lambda: self._marking(work, request.properties))

    def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            live = self.backend.read(
                target(request), request.id, wire.props(request.properties), wire.props(request.inputs)
            )
            if live is None:
                return provider_pb2.ReadResponse(id="")
            return provider_pb2.ReadResponse(
                id=live.id,
                properties=self._struct(live.state, request.properties, request.inputs),
                inputs=self._struct(live.inputs, request.inputs),
            )

        return self.answer(context, f"Read {request.urn}", lambda: self._marking(work, request.inputs))

    def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            state = self.backend.update(
                target(request),
                request.id,
                wire.props(request.olds),
                wire.props(request.news),
                wire.props(request.old_inputs),
                request.preview,
            )
            return provider_pb2.UpdateResponse(properties=self._struct(state, request.news))

        return self.answer(context, f"Update {request.urn}", lambda: self._marking(work, request.news))

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            self.backend.delete(target(request), request.id, wire.props(request.properties))
            return empty_pb2.Empty()

        return self.answer(context, f"Delete {request.urn}", work)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        def work() -> Any:
            result = self.backend.invoke(request.tok, wire.props(request.args), request.preview)
            fields: dict[str, Any] = {"return": wire.struct(result)}  # a keyword of Python
            return provider_pb2.InvokeResponse(**fields)

        return self.answer(context, f"Invoke {request.tok}", work)

    def _marking(self, work: Callable[[], R], inputs: struct_pb2.Struct) -> R:
        """Keep secrets marked in what a half-made resource leaves in the state."""
        try:
            return work()
        except HalfMade as error:
            if self.backend.accept_secrets:
                error.state = dict(self._struct(error.state, inputs).fields)
                error.inputs = dict(wire.apply(inputs, error.inputs).fields)
            raise


def target(request: Any) -> Target:
    """Type and name of a request; engines older than the fields put them into the URN only."""
    kind = request.type or request.urn.split("::")[2].rpartition("$")[2]
    name = request.name or request.urn.rpartition("::")[2]
    return Target(request.urn, kind, name, getattr(request, "timeout", 0.0))


def naming(request: Any) -> Naming | None:
    """The automatic-naming rule of a Check request, if the project has one."""
    if not request.HasField("autonaming"):
        return None
    modes = provider_pb2.CheckRequest.AutonamingOptions
    mode = request.autonaming.mode
    return Naming(request.autonaming.proposed_name, mode == modes.DISABLE, mode == modes.ENFORCE)


def failures(problems: list[Problem]) -> list[Any]:
    """Problems in the protocol's form."""
    return [provider_pb2.CheckFailure(property=problem.property, reason=problem.reason) for problem in problems]


def diff_response(difference: Difference) -> Any:
    """A difference in the protocol's form: top-level names in `diffs` and `replaces`, full paths in `detailedDiff`."""
    detailed = {
        path: _property_diff(kind, path in difference.replaces, path not in difference.outputs)
        for path, kind in difference.changes.items()
    }
    some = provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some,
        diffs=sorted({root(path) for path in difference.changes}),
        replaces=sorted({root(path) for path in difference.replaces}),
        deleteBeforeReplace=difference.delete_before_replace,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _property_diff(kind: int, replaces: bool, of_input: bool) -> Any:
    number: Any = kind + replaces
    return provider_pb2.PropertyDiff(kind=number, inputDiff=of_input)


def fault(error: Exception) -> str:
    """One line for a defect of ours: what, and where in the source. The traceback is in the log file only."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    first = (str(error).splitlines() or [""])[0][:200]
    return f"fault in the local provider: {type(error).__name__}: {first}{where}"
