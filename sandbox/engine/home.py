"""A PULUMI_HOME of the toolkit's own and the environment in which Pulumi works on the local cloud.

In it lie our provider plugins under the names and versions of the installed SDKs, so that the engine takes them without
a warning while every other stack of the user keeps the official plugins; and, where the CLI came without one, our
language host beside a hard link of the CLI file (beside a symbolic link the engine would look at the link's target).

Use: `python -m sandbox env` prints what `shell_exports` returns, for `eval "$(python -m sandbox env)"`; programs call
`process_environment(settings, pulumi)` and pass the result as `env=` to `subprocess`.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

from sandbox.settings import ACCESS_KEY, PASSPHRASE, REGION, REPOSITORY, SECRET_KEY, Settings
from sandbox.toolchain.tool import Tool
from terminal import UserError

PROVIDERS = ("aws", "gcp", "kubernetes")
LANGUAGE_HOST = "pulumi-language-python"
CREDENTIALS = "gke-gcloud-auth-plugin"
"""The command that the kubeconfig of a GKE cluster names; ours stands before one of the user's on PATH."""

UNSET = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CREDENTIALS",
    "GOOGLE_OAUTH_ACCESS_TOKEN",
    "GOOGLE_PROJECT",
)
"""Variables that could lead a command on the local stack to a real account. Unset, with all AWS_ENDPOINT_URL_..."""


def unset() -> list[str]:
    """Names to remove from the environment: `UNSET` and the per-service endpoints that are set now."""
    return [*UNSET, *sorted(name for name in os.environ if name.startswith("AWS_ENDPOINT_URL_"))]


def plugin_version(provider: str) -> str:
    """Version of the installed SDK, which is the version of the plugin that the engine will ask for."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(f"pulumi_{provider}")
    except PackageNotFoundError:
        raise UserError(f"pulumi-{provider} is not installed; run `make setup`") from None


def launcher(module: str) -> str:
    """A script that runs one of our modules; `exec`, so that signals and the parent's end reach Python itself."""
    repository, python = shlex.quote(str(REPOSITORY)), shlex.quote(sys.executable)
    return (
        "#!/bin/sh\n"
        f"export PYTHONPATH={repository}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        f'exec {python} -u -P -m {module} "$@"\n'
    )


def write_script(path: Path, text: str) -> None:
    """Write an executable script; unchanged if it is already so, atomically if not: an engine may be starting it."""
    if path.is_file() and path.read_text() == text and os.access(path, os.X_OK):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(name).chmod(0o755)
    Path(name).replace(path)


def place_beside(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`: a hard link, or a copy where the file systems differ."""
    if target.is_file():
        if target.samefile(source):
            return
        ours, theirs = target.stat(), source.stat()
        if (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent, prefix=".new-"))
    try:
        new = scratch / target.name
        try:
            os.link(source, new)
        except OSError:
            shutil.copy2(source, new)
        new.replace(target)
    finally:
        shutil.rmtree(scratch)


def command_directory(settings: Settings, pulumi: Tool) -> Path:
    """The directory whose `pulumi` has a language host beside it: the official one, else one made here."""
    if os.access(pulumi.path.with_name(LANGUAGE_HOST), os.X_OK):
        return pulumi.path.parent
    directory = settings.pulumi_home / "bin"
    place_beside(pulumi.path, directory / "pulumi")
    write_script(directory / LANGUAGE_HOST, launcher("sandbox.engine.language_host"))
    return directory


def place_plugins(settings: Settings) -> None:
    """Install the launchers of our providers; versions of other SDKs are removed."""
    plugins = settings.pulumi_home / "plugins"
    for provider in PROVIDERS:
        directory = plugins / f"resource-{provider}-v{plugin_version(provider)}"
        for other in plugins.glob(f"resource-{provider}-v*"):
            if other != directory and other.is_dir():
                shutil.rmtree(other)
        write_script(directory / f"pulumi-resource-{provider}", launcher(f"sandbox.providers.{provider}"))


def without_proxy() -> str:
    """NO_PROXY of the user with this machine added: the local cloud must not be looked for at a proxy."""
    given = os.environ.get("NO_PROXY") or os.environ.get("no_proxy") or ""
    hosts = [host for host in given.split(",") if host]
    return ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))


def search_path(*first: Path) -> str:
    """PATH with our directories and the toolkit's Python environment in front (`aws` is found there)."""
    scripts = sysconfig.get_path("scripts")
    rest = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part]
    return os.pathsep.join(dict.fromkeys([*map(str, first), scripts, *rest]))


def credentials_directory(settings: Settings) -> Path:
    """The directory with the command that signs in to recorded GKE clusters."""
    directory = settings.pulumi_home / "credentials"
    write_script(directory / CREDENTIALS, launcher("sandbox.gcp"))
    return directory


def prepare(settings: Settings, pulumi: Tool) -> dict[str, str]:
    """Lay out PULUMI_HOME and return the variables to set for the local stack (see `unset` for those to remove).

    Cheap when nothing has changed, and safe to call from several processes at once.
    """
    settings.backend.mkdir(parents=True, exist_ok=True)
    place_plugins(settings)
    return {
        "PATH": search_path(command_directory(settings, pulumi), credentials_directory(settings)),
        "PULUMI_HOME": str(settings.pulumi_home),
        # Without the side files of its blob store (`*.attrs`): an engine that is killed while it writes one leaves it
        # empty, and then no command can read the stack any more ("error: EOF").
        "PULUMI_BACKEND_URL": f"{settings.backend.as_uri()}?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_IGNORE_AMBIENT_PLUGINS": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "true",
        "KUBECONFIG": str(settings.pki / "admin.kubeconfig"),
        "NO_PROXY": without_proxy(),
        "no_proxy": without_proxy(),
    }


def process_environment(settings: Settings, pulumi: Tool) -> dict[str, str]:
    """A whole environment for a child process: ours over that of this process, without what `unset` names."""
    removed = set(unset())
    return {name: value for name, value in os.environ.items() if name not in removed} | prepare(settings, pulumi)


def shell_exports(settings: Settings, pulumi: Tool) -> str:
    """The same as lines for `eval` in a POSIX shell."""
    lines = [f"unset {' '.join(unset())}"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in prepare(settings, pulumi).items()]
    return "\n".join(lines) + "\n"
