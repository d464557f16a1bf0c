"""What a user of the local stack sees of the language host, through the real engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import venv

import pytest

from sandbox.settings import REPOSITORY
from tests.sandbox import awaiting
from tests.sandbox.awaiting import LIMIT_S
from tests.sandbox.engine.conftest import Project, still_running

pytestmark = pytest.mark.e2e

COMPONENT = """
    import pulumi

    class Part(pulumi.ComponentResource):
        def __init__(self, name):
            super().__init__("test:index:Part", name)
            self.register_outputs({})
"""
WAITS = """
    import os, pathlib, time
    import pulumi
    pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}\\n")
    time.sleep(600)
"""


def test_a_program_is_previewed_and_run(project: Project) -> None:
    project.write("__main__.py", COMPONENT + "    Part('a')\n    pulumi.export('n', pulumi.Output.from_input(3))\n")
    preview = project.run("preview")
    assert preview.code == 0, preview.text
    assert "2 to create" in preview.text
    up = project.up()
    assert up.code == 0, up.text
    assert "warning" not in up.text
    assert project.outputs() == {"n": 3}
    assert "test:index:Part" in project.types()
    assert project.up("--expect-no-changes").code == 0


def test_what_a_program_says_is_shown(project: Project) -> None:
    project.write(
        "__main__.py",
        """
        import sys
        import pulumi
        print("said on stdout")
        print("said on stderr", file=sys.stderr)
        pulumi.log.warn("said as a warning")
        print("without an end of line", end="")
        """,
    )
    shown = project.run("preview").text
    for words in ("said on stdout", "said on stderr", "warning: said as a warning", "without an end of line"):
        assert words in shown


def test_a_refusal_of_the_program_is_one_line(project: Project) -> None:
    project.write("__main__.py", 'import pulumi\nraise pulumi.RunError("the region is not one of ours")\n')
    run = project.run("preview")
    assert run.code != 0
    assert run.diagnostics.count("the region is not one of ours") == 1
    assert "error: the region is not one of ours" in run.diagnostics
    assert "unhandled error" not in run.text
    assert "Traceback" not in run.text


def test_a_missing_setting_is_named(project: Project) -> None:
    project.write("__main__.py", "import pulumi\npulumi.Config().require('region')\n")
    run = project.run("preview")
    assert run.code != 0
    assert "Missing required configuration variable" in run.text
    assert "region" in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    "program",
    [
        "from own import fails\nfails()\n",
        "import pulumi\nfrom own import fails\npulumi.export('x', pulumi.Output.from_input(1).apply(fails))\n",
    ],
    ids=["plain", "in-apply"],
)
def test_a_crash_is_traced_from_the_users_own_code_on(project: Project, program: str) -> None:
    project.write("own.py", "def fails(_=None):\n    raise KeyError('zone')\n")
    project.write("__main__.py", program)
    run = project.run("preview")
    assert run.code != 0
    assert run.diagnostics.count("Program failed with an unhandled exception") == 1
    assert "KeyError: 'zone'" in run.text
    assert "own.py" in run.text
    first_frame = next(line for line in run.text.splitlines() if 'File "' in line)
    assert str(project.directory) in first_frame
    assert "runpy" not in run.text


def test_a_syntax_error_is_shown_with_its_place_only(project: Project) -> None:
    project.write("__main__.py", "x = (\n")
    run = project.run("preview")
    assert run.code != 0
    assert "SyntaxError" in run.text
    assert "__main__.py" in run.text
    assert "runpy" not in run.text


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("sys.exit(3)", "the program ended with exit code 3"),
        ("sys.exit('no region was given')", "no region was given"),
        ("os._exit(4)", "the program ended with exit code 4"),
        ("os.kill(os.getpid(), 9)", "the program was ended by SIGKILL"),
    ],
)
def test_a_program_that_leaves_is_a_failure_with_its_reason(project: Project, statement: str, message: str) -> None:
    project.write("__main__.py", f"import os, sys\n{statement}\n")
    run = project.run("preview")
    assert run.code != 0
    assert message in run.text
    assert "Traceback" not in run.text


def test_leaving_with_zero_keeps_what_was_declared(project: Project) -> None:
    project.write("__main__.py", COMPONENT + "    Part('a')\n    import sys\n    sys.exit(0)\n    Part('b')\n")
    run = project.up()
    assert run.code == 0, run.text
    assert project.types().count("test:index:Part") == 1


def test_a_project_without_a_program_is_told_so(project: Project) -> None:
    run = project.run("preview")
    assert run.code != 0
    assert "has no __main__.py" in run.text
    assert "Traceback" not in run.text


def test_a_failing_resource_is_reported_without_the_programs_traceback(project: Project) -> None:
    project.write(
        "__main__.py",
        """
        import pulumi

        class Thing(pulumi.CustomResource):
            def __init__(self, name, opts=None):
                super().__init__("nosuch:index:Thing", name, {}, opts)

        first = Thing("first")
        Thing("second", pulumi.ResourceOptions(depends_on=[first]))
        """,
    )
    run = project.up()
    assert run.code != 0
    assert "nosuch" in run.text
    assert "Traceback" not in run.text
    assert "onitor" not in run.text


def test_a_program_imports_its_own_packages_and_nothing_of_the_toolkit(project: Project) -> None:
    project.write("mine/__init__.py", "NAME = 'mine'\n")
    project.write(
        "__main__.py",
        """
        import importlib.util, os, sys
        import pulumi
        from mine import NAME
        pulumi.export("name", NAME)
        pulumi.export("toolkit", importlib.util.find_spec("sandbox") is not None)
        pulumi.export("cwd", os.getcwd())
        pulumi.export("python-path", os.environ.get("PYTHONPATH", ""))
        pulumi.export("arguments", len(sys.argv))
        """,
    )
    project.environment["PYTHONPATH"] = str(project.directory / "elsewhere")
    assert project.up().code == 0
    assert project.outputs() == {
        "name": "mine",
        "toolkit": False,
        "cwd": str(project.directory),
        "python-path": str(project.directory / "elsewhere"),
        "arguments": 1,
    }


def test_the_virtual_environment_of_the_project_is_used(project: Project) -> None:
    venv.create(project.directory / "environment", with_pip=False, symlinks=True)
    (folder,) = (project.directory / "environment" / "lib").glob("python*/site-packages")
    (folder / "sdk.pth").write_text(next(path for path in sys.path if path.endswith("site-packages")) + "\n")
    name = (project.directory / "Pulumi.yaml").read_text().splitlines()[0]
    project.write("Pulumi.yaml", f"{name}\nruntime:\n  name: python\n  options: {{virtualenv: environment}}\n")
    project.write("__main__.py", "import sys\nimport pulumi\npulumi.export('prefix', sys.prefix)\n")
    run = project.up()
    assert run.code == 0, run.text
    assert project.outputs() == {"prefix": str(project.directory / "environment")}


def test_configuration_larger_than_grpcs_own_limit_arrives(project: Project) -> None:
    name = (project.directory / "Pulumi.yaml").read_text().splitlines()[0].removeprefix("name: ")
    project.write("Pulumi.dev.yaml", f"config:\n  {name}:text: {'x' * (5 << 20)}\n")
    project.write("__main__.py", "import pulumi\npulumi.export('n', len(pulumi.Config().require('text')))\n")
    run = project.up()
    assert run.code == 0, run.text[-2000:]
    assert project.outputs() == {"n": 5 << 20}


def test_about_names_the_interpreter_and_the_plugins(project: Project) -> None:
    project.write("__main__.py", "")
    about = json.loads(project.run("about", "--json").text)
    assert about["runtime"]["executable"] == sys.executable
    plugins = {plugin["name"] for plugin in about["plugins"]}
    assert {"aws", "kubernetes", "python"} <= plugins
    assert "pulumi" in {dependency["name"] for dependency in about["dependencies"]}


def test_install_leaves_the_environment_alone_and_says_so(project: Project) -> None:
    project.write("__main__.py", "")
    run = project.run("install")
    assert run.code == 0, run.text
    assert "make setup" in run.text


WRITES_PIDS = """
import os, pathlib
pathlib.Path({where!r}).write_text(f"{{os.getpid()}} {{os.getppid()}}\\n")
"""
POLICY = """
    from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

    def no_parts(args, report_violation):
        if args.resource_type == "test:index:Part" and args.name == "bad":
            report_violation("a part called bad is not allowed")

    PolicyPack("pack", [
        ResourceValidationPolicy("no-bad-parts", "parts have names", no_parts, EnforcementLevel.MANDATORY),
    ])
"""


@pytest.mark.parametrize(("part", "allowed"), [("good", True), ("bad", False)])
def test_a_policy_pack_is_run(project: Project, part: str, allowed: bool) -> None:
    project.write("__main__.py", COMPONENT + f"    Part('{part}')\n")
    project.write("policies/PulumiPolicy.yaml", "runtime: python\nversion: 0.0.1\n")
    project.write("policies/__main__.py", POLICY)
    run = project.run("preview", "--policy-pack", "policies")
    assert (run.code == 0) is allowed, run.text
    assert ("a part called bad is not allowed" in run.text) is not allowed


def test_a_broken_policy_pack_says_why(project: Project) -> None:
    project.write("__main__.py", COMPONENT)
    project.write("policies/PulumiPolicy.yaml", "runtime: python\nversion: 0.0.1\n")
    project.write("policies/__main__.py", "import nosuchmodule\n")
    run = project.run("preview", "--policy-pack", "policies")
    assert run.code != 0
    assert "No module named 'nosuchmodule'" in run.text


def test_ctrl_c_ends_the_program_and_leaves_no_process(project: Project) -> None:
    project.write("__main__.py", WAITS)
    with project.start("preview") as cli:
        pids = [int(pid) for pid in awaiting.line(project.directory / "pids").split()]
        cli.send_signal(signal.SIGINT)
        cli.communicate(timeout=LIMIT_S)
    assert cli.returncode != 0
    assert not still_running(pids)


def test_ctrl_c_ends_a_policy_pack_without_a_traceback(project: Project) -> None:
    project.write("__main__.py", WAITS)
    project.write("policies/PulumiPolicy.yaml", "runtime: python\nversion: 0.0.1\n")
    where = project.directory / "pack-pids"
    project.write("policies/__main__.py", WRITES_PIDS.format(where=str(where)) + textwrap.dedent(POLICY))
    with project.start("preview", "--policy-pack", "policies") as cli:
        pids = [int(pid) for path in (where, project.directory / "pids") for pid in awaiting.line(path).split()]
        cli.send_signal(signal.SIGINT)
        text, _ = cli.communicate(timeout=LIMIT_S)
    assert cli.returncode != 0
    assert "Traceback" not in text
    assert not still_running(pids)


def test_an_interrupted_program_may_clean_up(project: Project) -> None:
    project.write(
        "__main__.py",
        """
        import asyncio, os, pathlib
        import pulumi

        async def wait():
            pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}\\n")
            try:
                await asyncio.sleep(600)
            finally:
                pathlib.Path("cleaned").write_text("yes\\n")

        pulumi.export("x", wait())
        """,
    )
    with project.start("preview") as cli:
        pids = [int(pid) for pid in awaiting.line(project.directory / "pids").split()]
        cli.send_signal(signal.SIGINT)
        cli.communicate(timeout=LIMIT_S)
    assert not still_running(pids)
    assert (project.directory / "cleaned").exists()


@pytest.mark.parametrize("command", ["preview", "up"])
def test_killing_the_engine_takes_host_and_program_along(project: Project, command: str) -> None:
    project.write("__main__.py", WAITS)
    with project.start(command, *(["--yes", "--skip-preview"] if command == "up" else [])) as cli:
        pids = [int(pid) for pid in awaiting.line(project.directory / "pids").split()]
        cli.kill()
    assert not still_running(pids)


def test_killing_the_engine_takes_a_policy_pack_along(project: Project) -> None:
    project.write("__main__.py", WAITS)
    project.write("policies/PulumiPolicy.yaml", "runtime: python\nversion: 0.0.1\n")
    where = project.directory / "pack-pids"
    project.write("policies/__main__.py", WRITES_PIDS.format(where=str(where)) + textwrap.dedent(POLICY))
    with project.start("preview", "--policy-pack", "policies") as cli:
        pids = [int(pid) for path in (where, project.directory / "pids") for pid in awaiting.line(path).split()]
        cli.kill()
    assert not still_running(pids)


def test_a_reader_that_goes_away_leaves_no_process(project: Project) -> None:
    """`pulumi preview | head`: a closed pipe ends the CLI without a word to its plugins."""
    project.write(
        "__main__.py",
        """
        import os, pathlib, time
        import pulumi
        pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}\\n")
        while True:
            pulumi.log.info("a line that no one reads")
            time.sleep(0.05)
        """,
    )
    with project.start("preview") as cli:
        pids = [int(pid) for pid in awaiting.line(project.directory / "pids").split()]
        assert cli.stdout is not None
        cli.stdout.close()
        cli.wait(LIMIT_S)
        assert cli.returncode != 0
    assert not still_running(pids)


def test_a_killed_host_fails_the_update(project: Project) -> None:
    project.write("__main__.py", WAITS)
    with project.start("preview") as cli:
        program, host = (int(pid) for pid in awaiting.line(project.directory / "pids").split())
        os.kill(host, signal.SIGKILL)
        text, _ = cli.communicate(timeout=LIMIT_S)
    assert cli.returncode != 0, text
    assert not still_running([program])


def test_killing_host_and_engine_takes_the_program_along(project: Project) -> None:
    project.write("__main__.py", WAITS)
    with project.start("preview") as cli:
        program, host = (int(pid) for pid in awaiting.line(project.directory / "pids").split())
        cli.send_signal(signal.SIGSTOP)  # or it would clean up after the host before it is killed itself
        os.kill(host, signal.SIGKILL)
        cli.kill()
    assert not still_running([program])


def test_the_host_starts_without_the_sdk() -> None:
    """Its start-up is part of every command: the SDK around the generated stubs takes longer than all the rest."""
    command = [sys.executable, "-u", "-X", "importtime", "-m", "sandbox.engine.language_host"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as host:
        assert host.stdout is not None
        port = host.stdout.readline()
        host.send_signal(signal.SIGINT)
        _, imported = host.communicate(timeout=LIMIT_S)
    assert port.strip().isdigit()
    assert host.returncode == 0
    assert "pulumi.runtime.proto.language_pb2_grpc" in imported
    assert "pulumi.resource\n" not in imported
    assert "opentelemetry" not in imported
