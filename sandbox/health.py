"""Whether a daemon answers: one cheap question each, as a load balancer would ask it."""

from __future__ import annotations

import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable

from sandbox.settings import Settings

TIMEOUT = 2.0


def ask(name: str, pid: int | None, settings: Settings) -> str | None:
    """None when the daemon is ready, else a few words about why not. `pid` is the process that should answer."""
    try:
        return _QUESTIONS[name](settings, pid)
    except urllib.error.HTTPError as error:
        detail = error.read(200).decode(errors="replace").split("\n")[0].strip()
        return f"answers {error.code} {detail}".strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        return f"does not answer: {reason}"


def get(url: str, settings: Settings | None = None) -> bytes:
    """The body that loopback `url` answers with; `settings` for an address under the sandbox's own authority."""
    # No proxy, whatever the environment says: this is loopback.
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if settings is not None:
        handlers.append(
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(settings.pki / "ca.crt")))
        )
    with urllib.request.build_opener(*handlers).open(url, timeout=TIMEOUT) as answer:
        return answer.read()


def _etcd(settings: Settings, _: int | None) -> str | None:
    state = json.loads(get(f"http://127.0.0.1:{settings.ports['etcd']}/health"))
    return None if str(state.get("health")).lower() == "true" else f"unhealthy: {state.get('reason') or state}"


def _apiserver(settings: Settings, _: int | None) -> str | None:
    get(f"{settings.kubernetes_url}/readyz", settings)
    return None


def _healthz(port: str) -> Callable[[Settings, int | None], str | None]:
    def question(settings: Settings, _: int | None) -> str | None:
        get(f"https://127.0.0.1:{settings.ports[port]}/healthz", settings)
        return None

    return question


def _aws(settings: Settings, _: int | None) -> str | None:
    get(f"{settings.aws_url}/_sandbox/health")
    return None


def _nodes(settings: Settings, pid: int | None) -> str | None:
    """The node-group daemon has no port: it writes down its last round."""
    try:
        last = json.loads((settings.state / "run" / "nodes.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "has not finished its first round"
    if last.get("pid") != pid:
        return "has not finished its first round"
    return last.get("problem")


def _node(settings: Settings, _: int | None) -> str | None:
    with socket.create_connection(("127.0.0.1", settings.ports["kubelet"]), timeout=TIMEOUT):
        return None


def _jobset(settings: Settings, _: int | None) -> str | None:
    get(f"http://127.0.0.1:{settings.ports['jobset-health']}/readyz")
    return None


_QUESTIONS: dict[str, Callable[[Settings, int | None], str | None]] = {
    "etcd": _etcd,
    "apiserver": _apiserver,
    "controller-manager": _healthz("controller-manager"),
    "scheduler": _healthz("scheduler"),
    "kwok": _healthz("kwok"),
    "aws": _aws,
    "nodes": _nodes,
    "node": _node,
    "jobset": _jobset,
}
