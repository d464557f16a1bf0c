"""The WSGI application of the local AWS API.

A request goes to `/_sandbox/...` (health, faults, call counters, node groups, token review), to a handler in `gaps`,
or to moto. One thread serves everything, because moto's state is not safe against threads; nothing in here may call the
server back over HTTP. `/_sandbox` is for this machine only: the server listens on loopback, and requests under a
foreign Host are refused.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from http.client import responses
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox.aws import gaps, inventory, state, tokens, wire
from sandbox.aws.call import Call, Options
from sandbox.aws.faults import Faults, failure
from sandbox.aws.native import Moto
from sandbox.aws.wire import ApiError, Refusal, Reply, Target

StartResponse = Callable[..., Any]

# Roles attach AWS managed policies; moto reads this at first use of IAM
os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")


class Application:
    """One AWS API. `boot_id` tells clients that state was lost: it is new in every process and after a reset."""

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.boot_id = uuid.uuid4().hex
        self.started_at = time.time()
        self.faults = Faults()
        self.moto = Moto()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # moto wants the path as it was sent: an encoded slash in a name is not a separator
        environ.setdefault("RAW_URI", environ.get("REQUEST_URI", environ.get("PATH_INFO", "")))
        body = _body(environ)
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_sandbox/"):
            reply = self._own(environ, path.removeprefix("/_sandbox/"), body)
        elif path.startswith("/moto-api/"):
            reply = self._administer(environ, path, body)
        else:
            reply = self._aws(environ, body)
        start_response(f"{reply.status} {responses.get(reply.status, 'Unknown')}", _clean(reply.headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [reply.body]

    def _aws(self, environ: dict[str, Any], body: bytes) -> Reply:
        target = self.moto.target(environ, body)
        fault = self.faults.take(target)
        if fault and not fault.after:
            return wire.error(target.protocol, failure(fault))
        try:
            reply = self._answer(environ, body, target)
        except Refusal as refusal:
            reply = refusal.reply
        except ApiError as problem:
            reply = wire.error(target.protocol, problem)
        except Exception as problem:  # noqa: BLE001 - one broken call must not end the server, nor answer HTML
            traceback.print_exc(file=sys.stderr)
            text = f"the local cloud failed in {target.service}:{target.action}: {type(problem).__name__}: {problem}"
            reply = wire.error(target.protocol, ApiError("InternalFailure", text, 500))
        return wire.error(target.protocol, failure(fault)) if fault else reply

    def _answer(self, environ: dict[str, Any], body: bytes, target: Target) -> Reply:
        handler = None if target.operation is None else gaps.handler(target.service, target.action)
        if handler is None:
            return self.moto.reply(environ, body, target)
        request = wire.werkzeug_request(environ, body)
        call = Call(
            target=target,
            params=wire.parameters(target, request),
            account=_account(environ, target.access_key),
            options=self.options,
            _native=lambda changed: self.moto.reply(environ, _form(body, changed), target),
        )
        return wire.result(target, _translated(handler, call))

    def _administer(self, environ: dict[str, Any], path: str, body: bytes) -> Reply:
        if path == "/moto-api/reset":
            state.forget()
            self.boot_id = uuid.uuid4().hex
        return self.moto.raw(environ, body)

    def _own(self, environ: dict[str, Any], path: str, body: bytes) -> Reply:
        host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0]
        if host not in ("127.0.0.1", "localhost", "[::1]", ""):
            return Reply.json({"error": f"host {host} is not this machine"}, 403)
        method = environ["REQUEST_METHOD"]
        try:
            value = json.loads(body) if body else None
            return self._own_answer(method, path, value)
        except (ValueError, TypeError) as problem:
            return Reply.json({"error": str(problem)}, 400)
        except Exception as problem:  # noqa: BLE001 - as for AWS calls: the server goes on
            traceback.print_exc(file=sys.stderr)
            return Reply.json({"error": f"{type(problem).__name__}: {problem}"}, 500)

    def _own_answer(self, method: str, path: str, value: Any) -> Reply:
        answers: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "health"): self.health,
            ("GET", "nodegroups"): lambda: {"boot_id": self.boot_id, "nodegroups": inventory.nodegroups()},
            ("POST", "token-review"): lambda: tokens.review(value),
            ("GET", "faults"): self.faults.shown,
            ("PUT", "faults"): lambda: self.faults.replace(value if isinstance(value, list) else [value]),
            ("DELETE", "faults"): lambda: self.faults.replace([]),
            ("GET", "calls"): lambda: dict(sorted(self.faults.calls.items())),
            ("DELETE", "calls"): self.faults.calls.clear,
        }
        answer = answers.get((method, path))
        if answer is None:
            return Reply.json({"error": f"no {method} /_sandbox/{path}"}, 404)
        return Reply.json(answer())

    def health(self) -> dict[str, Any]:
        return {
            "status": "ok",
            "boot_id": self.boot_id,
            "started_at": self.started_at,
            "pid": os.getpid(),
            "calls": sum(self.faults.calls.values()),
        }


def _translated(handler: gaps.Handler, call: Call) -> Any:
    """Run a handler; an exception that moto's models raise becomes the AWS error it stands for."""
    from moto.core.exceptions import ServiceException, _RESTError

    try:
        return handler(call)
    except ServiceException as problem:
        raise ApiError(problem.code, str(problem.message)) from problem
    except _RESTError as problem:
        raise ApiError(problem.error_type, str(problem.message), problem.code or 400) from problem


def _form(body: bytes, changed: dict[str, str]) -> bytes:
    """A form with some fields replaced."""
    if not changed:
        return body
    fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return urlencode({**fields, **changed}).encode()


def _account(environ: dict[str, Any], access_key: str) -> str:
    """The account a call is for, told as moto tells it."""
    from moto.iam.models import get_account_id_from

    return environ.get("HTTP_X_MOTO_ACCOUNT_ID") or get_account_id_from(access_key)


def _body(environ: dict[str, Any]) -> bytes:
    length = environ.get("CONTENT_LENGTH")
    stream = environ["wsgi.input"]
    return stream.read(int(length)) if length else stream.read()


def _clean(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """WSGI servers refuse hop-by-hop headers and line breaks; moto sends a status as a header."""
    banned = {"connection", "transfer-encoding", "status", "keep-alive"}
    return [(name, str(value).replace("\n", " ")) for name, value in headers if name.lower() not in banned]
