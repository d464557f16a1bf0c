"""What the toolkit puts into its PULUMI_HOME and into the environment of the local stack."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pulumi_aws
import pulumi_kubernetes
import pytest

from sandbox.engine import home
from sandbox.settings import Settings
from sandbox.toolchain import Tool


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state=tmp_path / "state", cache=tmp_path / "cache", port=21100)


@pytest.fixture
def pulumi(tmp_path: Path) -> Tool:
    path = tmp_path / "tools" / "pulumi"
    path.parent.mkdir()
    path.write_text("#!/bin/sh\necho v0\n")
    path.chmod(0o755)
    return Tool("pulumi", "0", path, "build", 0, "")


def plugins(settings: Settings) -> set[str]:
    return {
        str(path.relative_to(settings.pulumi_home / "plugins")) for path in settings.pulumi_home.glob("plugins/*/*")
    }


def test_the_plugins_have_the_versions_of_the_installed_sdks(settings: Settings, pulumi: Tool) -> None:
    home.prepare(settings, pulumi)
    assert plugins(settings) == {
        f"resource-aws-v{pulumi_aws._utilities.get_version()}/pulumi-resource-aws",
        f"resource-gcp-v{version('pulumi-gcp')}/pulumi-resource-gcp",
        f"resource-kubernetes-v{pulumi_kubernetes._utilities.get_version()}/pulumi-resource-kubernetes",
    }


def test_the_credential_command_of_gke_is_ours_whatever_else_is_on_path(
    settings: Settings, pulumi: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs" / home.CREDENTIALS
    theirs.parent.mkdir()
    theirs.write_text("#!/bin/sh\n")
    theirs.chmod(0o755)
    monkeypatch.setenv("PATH", f"{theirs.parent}{os.pathsep}{os.environ['PATH']}")
    found = shutil.which(home.CREDENTIALS, path=home.prepare(settings, pulumi)["PATH"])
    assert found is not None
    assert Path(found).is_relative_to(settings.pulumi_home)


def test_plugins_of_earlier_versions_are_removed_and_others_kept(settings: Settings, pulumi: Tool) -> None:
    for name in ("resource-aws-v1.0.0", "resource-random-v4.0.0"):
        (settings.pulumi_home / "plugins" / name).mkdir(parents=True)
    home.prepare(settings, pulumi)
    names = {path.name for path in (settings.pulumi_home / "plugins").iterdir()}
    assert "resource-aws-v1.0.0" not in names
    assert "resource-random-v4.0.0" in names


def test_a_launcher_runs_the_module_from_any_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = tmp_path / "a check'out"
    checkout.mkdir()
    (checkout / "stand_in.py").write_text(
        "import os, sys\nprint(os.getpid(), os.environ['PYTHONPATH'], *sys.argv[1:])\n"
    )
    monkeypatch.setattr(home, "REPOSITORY", checkout)
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    script = tmp_path / "launcher"
    home.write_script(script, home.launcher("stand_in"))
    with subprocess.Popen([script, "127.0.0.1:1"], cwd="/", stdout=subprocess.PIPE, text=True) as process:
        output, _ = process.communicate()
    # The same process id: no shell stands between the engine's signals and the plugin.
    assert output == f"{process.pid} {checkout}:/elsewhere 127.0.0.1:1\n"


def test_an_official_language_host_is_preferred(settings: Settings, pulumi: Tool) -> None:
    official = pulumi.path.with_name("pulumi-language-python")
    official.write_text("#!/bin/sh\n")
    official.chmod(0o755)
    environment = home.prepare(settings, pulumi)
    assert environment["PATH"].split(os.pathsep)[0] == str(pulumi.path.parent)
    assert not (settings.pulumi_home / "bin").exists()


def test_without_one_ours_lies_beside_the_cli_itself(settings: Settings, pulumi: Tool) -> None:
    environment = home.prepare(settings, pulumi)
    directory = Path(environment["PATH"].split(os.pathsep)[0])
    assert (directory / "pulumi").samefile(pulumi.path)
    assert not (directory / "pulumi").is_symlink()
    assert os.access(directory / "pulumi-language-python", os.X_OK)


def test_across_file_systems_the_cli_is_copied_once(
    settings: Settings, pulumi: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    home.prepare(settings, pulumi)
    copy = settings.pulumi_home / "bin" / "pulumi"
    first = copy.stat()
    home.prepare(settings, pulumi)
    assert copy.stat().st_ino == first.st_ino
    assert copy.read_bytes() == pulumi.path.read_bytes()
    assert os.access(copy, os.X_OK)


def test_another_cli_replaces_the_one_that_was_there(settings: Settings, pulumi: Tool, tmp_path: Path) -> None:
    home.prepare(settings, pulumi)
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho v1\n")
    home.prepare(settings, Tool("pulumi", "1", other, "build", 0, ""))
    assert (settings.pulumi_home / "bin" / "pulumi").read_text() == "#!/bin/sh\necho v1\n"
    assert pulumi.path.read_text() == "#!/bin/sh\necho v0\n"
    assert sorted(path.name for path in (settings.pulumi_home / "bin").iterdir()) == [
        "pulumi",
        "pulumi-language-python",
    ]


REAL_CLOUD = {
    "AWS_PROFILE": "production",
    "AWS_SESSION_TOKEN": "token",
    "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_CONFIG_FILE": "/home/user/.aws/config",
}


def test_nothing_leads_to_a_real_account(settings: Settings, pulumi: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in REAL_CLOUD.items():
        monkeypatch.setenv(name, value)
    environment = home.process_environment(settings, pulumi)
    assert not set(REAL_CLOUD.items()) & set(environment.items())
    assert environment["AWS_ENDPOINT_URL"] == settings.aws_url
    assert environment["PULUMI_BACKEND_URL"] == f"file://{settings.backend}?metadata=skip"
    assert settings.backend.is_dir()


def test_the_local_cloud_is_not_looked_for_at_a_proxy(
    settings: Settings, pulumi: Tool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "example.com")
    environment = home.process_environment(settings, pulumi)
    assert environment["NO_PROXY"] == environment["no_proxy"] == "example.com,127.0.0.1,localhost"


def test_the_exports_give_a_shell_the_same_environment(
    settings: Settings, pulumi: Tool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in REAL_CLOUD.items():
        monkeypatch.setenv(name, value)
    awkward = Settings(state=tmp_path / "it's a $HOME `state`", cache=settings.cache, port=settings.port)
    exports = home.shell_exports(awkward, pulumi)
    result = subprocess.run(["sh", "-c", 'eval "$1"; env -0', "sh", exports], capture_output=True, check=True)
    shell = dict(entry.split("=", 1) for entry in result.stdout.decode().split("\0") if entry)
    expected = home.process_environment(awkward, pulumi)
    ignored = {"_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES"}  # the shell's own
    assert {k: v for k, v in shell.items() if k not in ignored} == {
        k: v for k, v in expected.items() if k not in ignored
    }
