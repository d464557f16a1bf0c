"""The Pulumi language host for `runtime: python`, for machines where the official one cannot be had.

The official `pulumi-language-python` comes only inside the official CLI archive; a CLI built from its Go module has
none. The engine starts this one (through a launcher that `home` writes beside the CLI file) and calls it over gRPC
(public definition: pulumi/pulumi, proto/pulumi/language.proto). Programs and policy packs run in child processes, see
`program`. It ends with the engine and takes its children along.

Left out: code generation (`pulumi import` needs `--generate-code=false`), debuggers, installing dependencies.
"""
# ruff: noqa: N802, ARG002 - method names and arguments are the protocol's

from __future__ import annotations

import importlib.util
import os
import queue
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.engine.program import REPORTED, on_end_of


def _light_pulumi() -> None:
    """Let the generated stubs be imported without the SDK around them, which takes longer than the rest of the host.

    The packages above the stubs are entered as empty modules with their real path. Only this process sees that; the
    program runs in another one.
    """
    spec = importlib.util.find_spec("pulumi")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("the Pulumi SDK is not installed in the Python environment of the toolkit")
    home = Path(next(iter(spec.submodule_search_locations)))
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        module = types.ModuleType(name)
        module.__path__ = [str(home.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = module


if __name__ == "__main__":
    _light_pulumi()

import grpc  # noqa: E402
from google.protobuf import empty_pb2  # noqa: E402
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROGRAM = Path(__file__).resolve().with_name("program.py")
MESSAGE_LIMIT = 400 << 20
"""Bytes; the limit that the engine and the SDK use (pulumi/runtime/_grpc_settings.py)."""
GRACE_S = 2.0
"""How long a child may take to end after SIGINT before it is killed."""


def interpreter(info: language_pb2.ProgramInfo) -> str:
    """Python of the `virtualenv` that the project file names, if it is there; else the one that runs the toolkit."""
    name = dict(info.options).get("virtualenv")
    if isinstance(name, str) and name:
        python = Path(info.root_directory or info.program_directory) / name / "bin" / "python"
        if python.exists():
            return str(python)
    return sys.executable


def site_packages(python: str) -> list[Path]:
    """Where the packages of that interpreter lie."""
    return sorted((Path(python).parent.parent / "lib").glob("python*/site-packages"))


def required_packages(python: str) -> list[plugin_pb2.PackageDependency]:
    """The provider plugins of the installed SDKs: every SDK carries its plugin's name and version."""
    import json

    found: list[plugin_pb2.PackageDependency] = []
    for folder in site_packages(python):
        for file in sorted(folder.glob("*/pulumi-plugin.json")):
            plugin = json.loads(file.read_text())
            if plugin.get("resource") and plugin.get("version"):
                name, version, server = plugin["name"], plugin["version"], plugin.get("server", "")
                found.append(plugin_pb2.PackageDependency(name=name, kind="resource", version=version, server=server))
    return found


def own_environment() -> dict[str, str]:
    """The environment for programs: without the entry on PYTHONPATH that our launcher added for this process."""
    environment = dict(os.environ)
    first, _, rest = environment.pop("PYTHONPATH", "").partition(os.pathsep)
    kept = os.pathsep.join(part for part in ("" if first == str(REPOSITORY) else first, rest) if part)
    return environment | ({"PYTHONPATH": kept} if kept else {})


def ending(code: int) -> language_pb2.RunResponse:
    """What the engine is told about a program that ended with `code` (negative: the signal)."""
    if code == 0:
        return language_pb2.RunResponse()
    if code == REPORTED:  # an `error` would be printed a second time
        return language_pb2.RunResponse(bail=True)
    if code < 0:
        return language_pb2.RunResponse(error=f"the program was ended by {signal.Signals(-code).name}")
    return language_pb2.RunResponse(error=f"the program ended with exit code {code}")


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The service. One engine at a time; programs and plugins in child processes."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self._lock = threading.Lock()
        self._children: set[subprocess.Popen[bytes]] = set()

    def _child(
        self, python: str, arguments: list[str], *, pipes: bool, cwd: str, env: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        mode, *rest = arguments
        child = subprocess.Popen(
            [python, "-u", "-P", str(PROGRAM), mode, str(os.getpid()), *rest],
            cwd=cwd or None,
            env=env,
            stdin=subprocess.DEVNULL if pipes else subprocess.PIPE,
            stdout=subprocess.PIPE if pipes else None,
            stderr=subprocess.PIPE if pipes else None,
        )
        with self._lock:
            self._children.add(child)
        return child

    def _forget(self, child: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._children.discard(child)

    def interrupt(self) -> list[subprocess.Popen[bytes]]:
        """Ask the children to end; returns them."""
        with self._lock:
            children = list(self._children)
        for child in children:
            child.send_signal(signal.SIGINT)
        return children

    def close(self) -> None:
        """End the children: politely, then not."""
        for child in self.interrupt():
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                child.kill()

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        self.engine = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        from importlib.metadata import version

        return plugin_pb2.PluginInfo(version=version("pulumi"))

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=interpreter(request.info), version=sys.version.split()[0])

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        return language_pb2.GetRequiredPackagesResponse(packages=required_packages(interpreter(request.info)))

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        from importlib.metadata import distributions

        installed = distributions(path=[str(folder) for folder in site_packages(interpreter(request.info))])
        found = sorted({(each.name, each.version) for each in installed})
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in found]
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        text = f"using the Python environment of {interpreter(request.info)}; `make setup` keeps it up to date\n"
        yield language_pb2.InstallDependenciesResponse(stdout=text.encode())

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.interrupt()
        return empty_pb2.Empty()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        child = self._child(
            interpreter(request.info), ["run", self.engine], pipes=False, cwd=request.pwd, env=own_environment()
        )
        try:
            child.communicate(request.SerializeToString())
        finally:
            self._forget(child)
        return ending(child.returncode)

    def RunPlugin(
        self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.RunPluginResponse]:
        directory = request.info.program_directory
        env = dict(entry.split("=", 1) for entry in request.env) or own_environment()
        command = ["plugin", directory, *request.args]
        child = self._child(interpreter(request.info), command, pipes=True, cwd=request.pwd or directory, env=env)
        context.add_callback(child.terminate)  # the engine ends a plugin by ending the call
        try:
            yield from relay(child)
            yield language_pb2.RunPluginResponse(exitcode=child.wait())
        finally:
            self._forget(child)


def relay(child: subprocess.Popen[bytes]) -> Iterator[language_pb2.RunPluginResponse]:
    """Both output streams of a plugin as they come, until both are closed."""
    parts: queue.SimpleQueue[language_pb2.RunPluginResponse | None] = queue.SimpleQueue()

    def pump(name: str) -> None:
        stream = getattr(child, name)
        while data := os.read(stream.fileno(), 65536):
            response = language_pb2.RunPluginResponse
            parts.put(response(stdout=data) if name == "stdout" else response(stderr=data))
        parts.put(None)

    for name in ("stdout", "stderr"):
        threading.Thread(target=pump, args=(name,), daemon=True).start()
    for _ in range(2):
        yield from iter(parts.get, None)


def main() -> None:
    """Serve until the engine stops us (SIGINT, SIGTERM) or is gone."""
    parent = os.getppid()
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    on_end_of(parent, end.set)
    limits = [("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)]
    server = grpc.server(ThreadPoolExecutor(16), options=limits)
    host = LanguageHost(engine=next((argument for argument in sys.argv[1:] if ":" in argument), ""))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)  # the first line on stdout is the port; the programs' output follows
    end.wait()
    host.close()
    server.stop(0)
    os._exit(0)  # gRPC's threads may still wait for an engine that is gone


if __name__ == "__main__":
    main()
