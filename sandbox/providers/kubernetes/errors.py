"""What the API server answers when it refuses, and how that reads in one line: "ConfigMap default/x: Forbidden:
exceeded quota: ...".
"""

from __future__ import annotations

import json
import re
from typing import Any

import grpc

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.objects import Object, items, members
from sandbox.providers.protocol import Fail

_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    409: grpc.StatusCode.ABORTED,
    422: grpc.StatusCode.INVALID_ARGUMENT,
    429: grpc.StatusCode.FAILED_PRECONDITION,
}
"""Other statuses are FAILED_PRECONDITION: the codes the engine reads as "nobody knows what happened" are never used."""
_PREFIX = re.compile(r'^(?:[\w.-]+(?: "[^"]*")? is (?:forbidden|invalid): )')
_TYPED = re.compile(r"^failed to create typed patch object \([^)]*\): ")
_RBAC = re.compile(r'User "[^"]*" cannot ')


class Unreachable(Exception):
    """The API server does not answer at all. The text says where and why, in one line."""


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, body: Any) -> None:
        document = members(body)
        self.status = status
        self.reason = str(document.get("reason") or _reason(status))
        self.message = one_line(str(document.get("message") or f"HTTP status {status}"))
        if _TYPED.match(self.message):
            # Server-side apply answers 500 for a field its schema does not have.
            self.status, self.reason, self.message = 422, "Invalid", _TYPED.sub("", self.message)
        self.details = members(document.get("details"))
        super().__init__(f"{self.reason}: {self.message}")

    @classmethod
    def of(cls, status: int, data: bytes) -> ApiError:
        """From a raw answer; a body that is no Status object is shown as it is."""
        try:
            return cls(status, json.loads(data))
        except ValueError:
            return cls(status, {"message": data[:300].decode(errors="replace")})

    @property
    def not_found(self) -> bool:
        return self.status == 404

    @property
    def namespace_missing(self) -> bool:
        """The object's namespace does not exist (yet)."""
        return self.not_found and self.details.get("kind") == "namespaces"

    @property
    def already_exists(self) -> bool:
        return self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Another field manager owns a field, or the object changed meanwhile."""
        return self.reason == "Conflict"

    @property
    def not_allowed(self) -> bool:
        """The user lacks the permission (RBAC); quota and admission refusals are also "Forbidden" but are about the
        object.
        """
        return self.status == 401 or (self.status == 403 and bool(_RBAC.search(self.message)))

    @property
    def dry_run_unsupported(self) -> bool:
        """An admission webhook with side effects keeps the server from trying out the request."""
        return self.status == 400 and "does not support dry run" in self.message

    @property
    def immutable(self) -> bool:
        return self.status == 422 and "field is immutable" in self.message

    @property
    def explanation(self) -> str:
        """Reason and causes, without the object's name."""
        causes = [members(cause) for cause in items(self.details.get("causes"))]
        if self.status == 422 and causes:
            text = "; ".join(one_line(": ".join(filter(None, (c.get("field"), c.get("message"))))) for c in causes)
        else:
            text = _PREFIX.sub("", self.message)
        return f"{self.reason}: {text}"

    def fail(self, obj: Object, hint: str = "") -> Fail:
        """The error for the user about `obj`."""
        text = f"{objects.label(obj)}: {self.explanation}"
        return Fail(f"{text}. {hint}" if hint else text, _CODES.get(self.status, grpc.StatusCode.FAILED_PRECONDITION))


class UnknownKind(Exception):
    """The cluster serves no such kind, perhaps because its CustomResourceDefinition is not there yet."""

    def __init__(self, version: str, kind: str) -> None:
        self.built_in = objects.built_in(version)
        hint = "check the apiVersion" if self.built_in else "check that its CustomResourceDefinition is created first"
        super().__init__(f"the cluster knows no kind {kind} in {version}; {hint}")


def one_line(text: str) -> str:
    return " ".join(text.split())


def _reason(status: int) -> str:
    names = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}
    return names.get(status, "InternalError" if status >= 500 else "BadRequest")
