"""Runs a Pulumi program, or a plugin written in Python, in a process of its own (the child of `language_host`).

`program.py run <parent pid> <engine address>` reads a RunRequest from stdin and runs the program it names;
`program.py plugin <parent pid> <directory> <arguments>` runs a policy pack. Both end when the parent ends. Run by path
in the program's own virtual environment, so it imports the standard library and `pulumi`, nothing of ours. A process of
its own keeps `os._exit`, `sys.path`, signals and memory of the program out of the host.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from types import FrameType, TracebackType

    from pulumi.runtime.proto.language_pb2 import RunRequest

REPORTED = 32
"""Exit code: it failed and the user has been told (the same number as in Pulumi's own runner)."""
MONITOR_GONE = ("resource monitor shut down", "Resource monitor has terminated")
"""What the SDK raises in a program that goes on after the engine has stopped and said why: from the engine's own words
(pulumi/pulumi, pkg/resource/deploy/source_eval.go) and from the SDK's (pulumi/runtime/settings.py)."""


def wait_for_end_of(pid: int) -> None:
    """Return when process `pid`, our parent, has ended."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            pass  # it has ended already, or this kernel has no pidfd
        else:
            import select

            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            if os.getppid() == pid:  # else: it ended, and the number may be another's
                poll.poll()
            os.close(descriptor)
            return
    while os.getppid() == pid:
        time.sleep(0.5)


def on_end_of(pid: int, action: Callable[[], object]) -> None:
    """Call `action` in a thread of its own when the parent `pid` has ended."""

    def watch() -> None:
        wait_for_end_of(pid)
        action()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def leave(code: int) -> None:
    """End at once: no exit handlers, which could wait for an engine that is gone."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # the reader may have gone too
            stream.flush()
    os._exit(code)


class Origins:
    """Remembers where exceptions in tasks came from.

    A future hands the traceback of its exception to the first that asks; the SDK asks more than once, and an error
    inside `apply` would reach the user without a place.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[BaseException, TracebackType | None]] = {}

    def restore(self, error: BaseException) -> None:
        """Give `error` the traceback that it had when it left its task, if it left one."""
        if found := self._seen.get(id(error)):
            error.__traceback__ = found[1]

    async def _noted(self, coroutine: Coroutine[Any, Any, Any]) -> object:
        try:
            return await coroutine
        except Exception as error:
            self._seen.setdefault(id(error), (error, error.__traceback__))
            raise

    def task(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """A task factory for `loop.set_task_factory`."""
        import asyncio

        task = asyncio.Task(self._noted(coroutine), loop=loop, **options)
        task.add_done_callback(lambda _: coroutine.close())  # cancelled before it ran, it would complain
        return task


def explain(error: BaseException, root: Path) -> str:
    """The traceback from the first frame of the user's own code on; without one, the error alone (a SyntaxError)."""
    import traceback

    def own(filename: str) -> bool:
        path = Path(filename)
        return path.is_relative_to(root) and "site-packages" not in path.parts

    def cut(part: traceback.TracebackException, seen: set[int]) -> None:
        if id(part) in seen:
            return
        seen.add(id(part))
        first = next((index for index, frame in enumerate(part.stack) if own(frame.filename)), len(part.stack))
        part.stack[:] = part.stack[first:]
        for other in (part.__cause__, part.__context__):
            if other is not None:
                cut(other, seen)

    whole = traceback.TracebackException.from_exception(error)
    cut(whole, set())
    text = "".join(whole.format() if whole.stack else whole.format_exception_only())
    return f"Program failed with an unhandled exception:\n{text}"


def message(error: BaseException, root: Path) -> str | None:
    """What the user is to be told about the end of a program; None when that has been said or was asked for."""
    import asyncio

    import grpc
    import pulumi

    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return None
    if isinstance(error, grpc.RpcError) and isinstance(error, grpc.Call):
        gone = error.code() == grpc.StatusCode.UNAVAILABLE
        return None if gone else f"the engine refused a call: {error.details()}"
    if any(words in str(error) for words in MONITOR_GONE):
        return None
    if isinstance(error, pulumi.RunError):
        return str(error)
    if isinstance(error, SystemExit):
        return f"the program ended with exit code {error.code}" if isinstance(error.code, int) else str(error.code)
    return explain(error, root)


def configure(request: RunRequest, engine: str) -> None:
    """Tell the SDK what the engine asked for: addresses, project, stack, configuration."""
    from pulumi.runtime import Settings, set_all_config
    from pulumi.runtime import configure as configure_sdk

    configure_sdk(
        Settings(
            project=request.project,
            stack=request.stack,
            monitor=request.monitor_address,
            engine=engine,
            parallel=request.parallel,
            dry_run=request.dryRun,
            organization=request.organization or "organization",
            root_directory=request.info.root_directory,
        )
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))


def entry_point(request: RunRequest) -> Path:
    """The file or directory to run."""
    return Path(os.path.normpath(Path(request.info.program_directory) / (request.info.entry_point or ".")))


def drain(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what a failed program has left unfinished; its complaints would only repeat the error."""
    import asyncio

    pending = asyncio.all_tasks(loop)
    for task in pending:
        task.cancel()
    if pending:
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """On SIGINT, wherever the program is, in a blocking call too. Once: the engine asks more than once, and what the
    program does to clean up is to be left alone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def execute(request: RunRequest, loop: asyncio.AbstractEventLoop) -> None:
    """Run the program to its end. Raises what it raises, KeyboardInterrupt on SIGINT."""
    import runpy

    from pulumi.runtime import run_in_stack

    def program() -> None:
        try:
            runpy.run_path(str(entry_point(request)), run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise
            # sys.exit(0) is a normal end: what was declared until here is still registered.

    signal.signal(signal.SIGINT, interrupt)
    loop.run_until_complete(run_in_stack(program))


def run(request: RunRequest, engine: str) -> int:
    """Run the program of `request` against the engine. Returns the exit code; failures have been reported then."""
    import asyncio
    import logging
    from concurrent.futures import ThreadPoolExecutor

    import pulumi

    configure(request, engine)
    entry = entry_point(request)
    root = entry if entry.is_dir() else entry.parent
    sys.path.insert(0, str(root))
    sys.argv = [str(entry), *request.args]
    os.chdir(request.pwd or root)
    # A program that fails leaves futures unobserved by design; asyncio would print a page about each.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    loop, origins = asyncio.new_event_loop(), Origins()
    loop.set_task_factory(origins.task)
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max(request.parallel, 1) * 4))
    try:
        if entry.is_dir() and not (entry / "__main__.py").exists():
            raise pulumi.RunError(f"there is no program: {entry} has no __main__.py")
        execute(request, loop)
    except BaseException as error:  # noqa: BLE001 - whatever the program raises has to reach the user
        origins.restore(error)
        if text := message(error, root):
            pulumi.log.error(text)
    else:
        return 0
    finally:
        drain(loop)
    return REPORTED


def run_plugin(directory: Path, arguments: list[str]) -> None:
    """Run the plugin in `directory` as Python itself would: `python <directory> <arguments>`."""
    import runpy

    sys.path.insert(0, str(directory))
    sys.argv = [str(directory), *arguments]
    runpy.run_path(str(directory), run_name="__main__")


def main() -> None:
    """See the module's docstring."""
    mode, parent, target, *arguments = sys.argv[1:]
    on_end_of(int(parent), lambda: leave(REPORTED))
    if mode == "plugin":
        run_plugin(Path(target), arguments)
        return
    from pulumi.runtime.proto.language_pb2 import RunRequest

    code = run(RunRequest.FromString(sys.stdin.buffer.read()), target)
    if code:
        leave(code)  # calls to the engine may still be under way; waiting for them would only delay the message


if __name__ == "__main__":
    main()
