"""Kubeconfigs: text or path to a parsed file, the active cluster, and an authenticated connection of the official
client.

Only clusters on loopback are accepted: this provider belongs to the local cloud, and a kubeconfig that happens to lie
in the user's home must never be touched. Credentials of an `exec` plugin (`aws eks get-token`) are cached for the
life of the process.
"""

from __future__ import annotations

import copy
import ipaddress
import json
import os
import shutil
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import grpc
import yaml

from sandbox.providers.protocol import Fail, Props

if TYPE_CHECKING:
    from kubernetes.client import Configuration

EXPIRY_MARGIN = timedelta(seconds=60)
CONNECTIONS = 32


@dataclass(frozen=True)
class Kubeconfig:
    """A kubeconfig reduced to the context in use."""

    document: Props
    context: str
    server: str
    namespace: str
    """The default namespace of the context, "default" when it names none."""
    user: Props = field(repr=False)


def parse(given: Any) -> Props:
    """The document of a kubeconfig given as text (YAML or JSON), as an object, or as the path of a file. Raises
    `Fail`.
    """
    text = given
    if isinstance(given, str):
        path = Path(given).expanduser() if "\n" not in given and len(given) < 4096 else None
        try:
            text = path.read_text(encoding="utf-8") if path and path.is_file() else given
        except OSError as error:
            raise Fail(f"the kubeconfig {given} cannot be read: {error.strerror}") from None
        try:
            text = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise Fail(f"the kubeconfig is not valid YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(text, dict) or not isinstance(text.get("clusters"), list):
        raise Fail("the kubeconfig has no clusters; give the text or the path of a kubeconfig file")
    return text


def ambient() -> Props | None:
    """The kubeconfig of the environment (KUBECONFIG, else ~/.kube/config); None when there is none."""
    names = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    files = [Path(name).expanduser() for name in names.split(os.pathsep) if name]
    merged: Props = {}
    for document in (parse(str(file)) for file in files if file.is_file()):
        for key, value in document.items():
            if isinstance(value, list):
                have = {entry.get("name") for entry in merged.get(key, [])}
                merged[key] = merged.get(key, []) + [entry for entry in value if entry.get("name") not in have]
            else:
                merged.setdefault(key, value)
    return merged or None


def load(given: Any, context: str | None = None, cluster: str | None = None) -> Kubeconfig:
    """Parse a kubeconfig and check that it may be used. Raises `Fail` with one line."""
    document = copy.deepcopy(parse(given))
    name = context or document.get("current-context") or ""
    entry = _entry(document, "contexts", "context", name)
    if entry is None:
        raise Fail(f"the kubeconfig has no context {name!r}; it has: {_names(document, 'contexts')}")
    if cluster:
        entry["cluster"] = cluster
    active = _entry(document, "clusters", "cluster", entry.get("cluster", ""))
    if active is None:
        raise Fail(f"the kubeconfig has no cluster {entry.get('cluster')!r}; it has: {_names(document, 'clusters')}")
    server = str(active.get("server", ""))
    if not on_loopback(server):
        raise Fail(
            f"the cluster {server or '(no server)'} is not on this machine: this provider serves the local cloud only. "
            "Give the kubeconfig of the local stack, or use another PULUMI_HOME for stacks on real clusters"
        )
    active.pop("proxy-url", None)
    user = _entry(document, "users", "user", entry.get("user", "")) or {}
    return Kubeconfig(document, name, server, entry.get("namespace") or "default", user)


def active_cluster(given: Any, context: str | None = None, cluster: str | None = None) -> Props | None:
    """The entry of the cluster in use, None when the kubeconfig names none."""
    document = parse(given)
    entry = _entry(document, "contexts", "context", context or document.get("current-context") or "")
    return _entry(document, "clusters", "cluster", cluster or entry.get("cluster", "")) if entry else None


def on_loopback(server: str) -> bool:
    """Whether a server URL names this machine by a loopback address or `localhost`."""
    try:
        host = urlsplit(server if "//" in server else f"//{server}").hostname or ""
    except ValueError:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _entry(document: Props, section: str, member: str, name: str) -> Props | None:
    for one in document.get(section) or []:
        if isinstance(one, dict) and one.get("name") == name and isinstance(one.get(member), dict):
            return one[member]
    return None


def _names(document: Props, section: str) -> str:
    return ", ".join(str(one.get("name")) for one in document.get(section) or [] if isinstance(one, dict)) or "none"


class Credentials:
    """The `Authorization` header of one kubeconfig, and the client configuration that goes with it."""

    def __init__(self, config: Kubeconfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._token = ""
        self._expiry: datetime | None = None
        self._retried = False
        self._exec: Props | None = config.user.pop("exec", None)
        self.configuration = self._load()

    def _load(self) -> Configuration:
        from kubernetes.client import Configuration
        from kubernetes.config import ConfigException, load_kube_config_from_dict

        configuration = Configuration()
        try:
            load_kube_config_from_dict(
                self._config.document, self._config.context, client_configuration=configuration, persist_config=False
            )
        except (ConfigException, OSError, ValueError) as error:
            raise Fail(f"the kubeconfig cannot be used: {_one_line(error)}") from None
        configuration.proxy = None  # loopback is never behind a proxy
        configuration.connection_pool_maxsize = CONNECTIONS
        return configuration

    def header(self) -> str | None:
        """The Authorization header, None for client certificates and anonymous access. Raises `Fail` when the plugin
        fails.
        """
        if self._exec is None:
            if self.configuration.username:
                return self.configuration.get_basic_auth_token()
            return self.configuration.get_api_key_with_prefix("BearerToken")
        with self._lock:
            now = datetime.now(UTC)
            if not self._token or (self._expiry is not None and self._expiry - EXPIRY_MARGIN <= now):
                self._run(self._exec)
            return f"Bearer {self._token}"

    def refused(self, header: str | None) -> bool:
        """The server answered 401 to `header`. True when another try with a fresh token makes sense."""
        with self._lock:
            if self._exec is None:
                return False
            if header != f"Bearer {self._token}":
                return True  # another thread has a newer one
            if self._retried:
                return False
            self._token, self._retried = "", True
            return True

    def accepted(self) -> None:
        """The server took the header: a later 401 may be answered by a fresh token again."""
        self._retried = False

    def _run(self, plugin: Props) -> None:
        from kubernetes.config import ConfigException
        from kubernetes.config.exec_provider import ExecProvider
        from kubernetes.config.kube_config import ConfigNode

        command = str(plugin.get("command", ""))
        try:
            status: Props = ExecProvider(ConfigNode("exec", plugin | {"command": _found(command)}), None).run()
            token, expiry = status.get("token"), status.get("expirationTimestamp")
            if not token:
                raise ConfigException("it returned no token (client certificates are not supported)")
            self._token = str(token)
            self._expiry = datetime.fromisoformat(str(expiry)) if expiry else None
        except (ConfigException, OSError, ValueError, json.JSONDecodeError) as error:
            raise Fail(
                f"the kubeconfig's credential command `{command}` failed: {_one_line(error)}",
                grpc.StatusCode.UNAUTHENTICATED,
            ) from None


def _found(command: str) -> str:
    """The credential command on PATH, else beside the running Python (the toolkit's environment brings `aws`)."""
    beside = Path(sys.executable).parent / command
    return str(beside) if shutil.which(command) is None and beside.is_file() else command


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
