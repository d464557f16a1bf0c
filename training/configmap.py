"""Writes the result into a config map of the pod's own namespace, with the pod's own service account.

Standard library only. The account needs `create` and `update` on config maps there.
"""

from __future__ import annotations

import json
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KEY = "result.json"
TRIES = 6
FIRST_PAUSE = 0.5
TIMEOUT = 10.0


class WriteError(Exception):
    """The result could not be written; one line that says why."""


def write(name: str, result: dict[str, Any], account: Path = ACCOUNT, env: Mapping[str, str] = os.environ) -> None:
    """Create or replace the config map. Raises WriteError after a bounded number of tries."""
    try:
        namespace = (account / "namespace").read_text(encoding="utf-8").strip()
        url = f"https://{_bracketed(env['KUBERNETES_SERVICE_HOST'])}:{env['KUBERNETES_SERVICE_PORT']}"
        context = ssl.create_default_context(cafile=str(account / "ca.crt"))
    except (OSError, KeyError) as problem:
        raise WriteError(f"config map {name}: this is no pod with a service account ({problem})") from None
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {KEY: json.dumps(result, sort_keys=True)},
    }
    base, pause = f"{url}/api/v1/namespaces/{namespace}/configmaps", FIRST_PAUSE
    for attempt in range(TRIES):
        try:
            _put(base, name, body, account, context)
            return
        except (OSError, WriteError) as problem:
            refused = isinstance(problem, urllib.error.HTTPError) and problem.code in {400, 401, 403, 422}
            if refused or attempt == TRIES - 1:
                raise WriteError(f"config map {namespace}/{name}: {_reason(problem)}") from None
            time.sleep(pause)
            pause *= 2


def _put(base: str, name: str, body: dict[str, Any], account: Path, context: ssl.SSLContext) -> None:
    """Replace it, or create it when there is none."""
    try:
        _send("PUT", f"{base}/{name}", body, account, context)
    except urllib.error.HTTPError as problem:
        if problem.code != 404:
            raise
        _send("POST", base, body, account, context)


def _send(method: str, url: str, body: dict[str, Any], account: Path, context: ssl.SSLContext) -> None:
    token = (account / "token").read_text(encoding="utf-8").strip()  # read each time: tokens are renewed
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)  # noqa: S310 - https
    # No proxy: the API server is next door, whatever the image's environment says.
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with urllib.request.build_opener(*handlers).open(request, timeout=TIMEOUT) as answer:
        answer.read()


def _reason(problem: Exception) -> str:
    if isinstance(problem, urllib.error.HTTPError):
        try:
            return str(json.loads(problem.read())["message"])
        except (ValueError, KeyError):
            return f"status {problem.code}"
    return str(getattr(problem, "reason", problem))


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
