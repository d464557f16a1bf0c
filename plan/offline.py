"""A plan without an engine: the program runs against a monitor in this process.

Uses the SDK's documented seams (`Settings` takes any object as monitor and engine, `run_in_stack` is what Pulumi's own
exec script calls), so the program sees what it would see in `pulumi preview`: inputs are echoed, everything else is
unknown. In mode `up` ids and outputs are invented, so that what hangs on them becomes visible too.
No CLI, no credentials, no network; a look-up (`get_*`) is an error, because its answer would depend on an account. The
few that are made for what they do are listed in `plan.invented`.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import runpy
import sys
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from plan import config as stack_config
from plan.model import Plan, PlanError
from terminal import Exit, UserError

Mode = Literal["preview", "up"]
ROOT = Path(__file__).resolve().parent.parent


def run(stack: str, mode: Mode = "preview", *, root: Path = ROOT) -> Plan:
    """Evaluate the program for a stack file.

    Raises `PlanError` (exit code 2) for a missing stack or invalid configuration, `UserError` (1) when the program
    fails.
    """
    return evaluate(stack_config.load(root, stack), mode, root=root)


def evaluate(file: stack_config.StackFile, mode: Mode = "preview", *, root: Path = ROOT) -> Plan:
    """Evaluate the program for a configuration that is already in memory (used for what-if and tests)."""
    outcome: list[Plan | BaseException] = []

    def target() -> None:
        try:
            outcome.append(_evaluate(file, mode, root))
        except BaseException as error:  # noqa: BLE001 - carried to the caller's thread
            outcome.append(error)

    # A thread and a context of its own: the SDK keeps the root resource and its settings in context variables.
    thread = threading.Thread(target=contextvars.Context().run, args=(target,), name="plan")
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _evaluate(file: stack_config.StackFile, mode: Mode, root: Path) -> Plan:
    from pulumi.runtime import run_in_stack, set_all_config
    from pulumi.runtime.settings import Settings, configure

    from plan.monitor import Engine, Monitor

    monitor, engine = Monitor(file.project, file.stack, mode), Engine()
    configure(
        Settings(
            project=file.project,
            stack=file.stack,
            monitor=monitor,
            engine=engine,
            dry_run=mode == "preview",
            organization="organization",
            root_directory=str(root),
        )
    )
    set_all_config(dict(file.config), list(file.secrets))

    def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Inline())
    loop.set_exception_handler(lambda *_: None)
    try:
        with contextlib.redirect_stdout(sys.stderr), _importable(root), _no_collection():
            loop.run_until_complete(run_in_stack(program))
    except Exception as error:  # noqa: BLE001 - whatever the program raised becomes a message
        raise _failure(error, engine.errors, root) from None
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
    return Plan(file.project, file.stack, tuple(monitor.resources.values()), file.config, monitor.exports)


def _failure(error: Exception, logged: list[str], root: Path) -> UserError:
    import pulumi

    if isinstance(error, UserError):
        return error
    if isinstance(error, pulumi.RunError):
        return PlanError([line for line in str(error).splitlines() if line.strip()])
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root)
        and ".venv" not in frame.filename
        and not frame.filename.startswith(str(root / "plan"))
    ]
    where = f" ({Path(ours[-1].filename).relative_to(root)}:{ours[-1].lineno})" if ours else ""
    return UserError([*logged, f"the program failed: {type(error).__name__}: {error}{where}"], Exit.FAILURE)


@contextlib.contextmanager
def _importable(root: Path) -> Any:
    """As under Pulumi, the program's folder comes first on the import path."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


@contextlib.contextmanager
def _no_collection() -> Any:
    """Without the garbage collector: looking through the SDK's hundred thousand live objects again and again takes
    longer than the evaluation itself.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class _Inline(ThreadPoolExecutor):
    """Runs calls to the monitor at once: they are in-process, so threads would only add time and disorder."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the future
            future.set_exception(error)
        return future
