"""The Kubernetes API as the process node uses it: JSON objects in, JSON objects out, two kinds of errors.

Plain dictionaries and not the client's models: what the node does not know must pass through it unharmed, and records
on disk have the same shape. Leaves out: when to ask again (informer.py, pod.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client
from kubernetes.client.exceptions import ApiException

Object = dict[str, Any]
Timeout = tuple[float, float]
TIMEOUT = (2.0, 20.0)
"""Seconds to connect and to wait for an answer."""
WATCH_SECONDS = 240
SILENCE_SECONDS = 150.0
"""A watch that is silent for so long is dead: the server sends a bookmark about every minute."""
MERGE = "application/strategic-merge-patch+json"


class ApiError(Exception):
    """The API server could not be asked, or it refused. The text is one line for a status message."""


class Unavailable(ApiError):
    """No answer, or one that says to try later."""


class Refused(ApiError):
    """The server answered, and the answer is no."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Api:
    """One API server. Safe to use from several threads. Every method raises ApiError."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._rest = api_client.rest_client
        self._host = api_client.configuration.host

    def get(self, path: str) -> Object:
        return self._call("GET", path)

    def find(self, path: str) -> Object | None:
        """The object, None when there is none."""
        try:
            return self._call("GET", path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def list(self, path: str, **query: str) -> Object:
        return self._call("GET", path, query=query)

    def create(self, path: str, body: Object) -> Object:
        return self._call("POST", path, body)

    def patch(self, path: str, body: Object) -> Object:
        """Strategic merge patch."""
        return self._call("PATCH", path, body, content=MERGE)

    def delete(self, path: str, body: Object | None = None) -> None:
        """Fine when it is gone already."""
        try:
            self._call("DELETE", path, body)
        except Refused as error:
            if error.status not in {404, 409}:  # 409: another object has the name now
                raise

    def watch(self, path: str, version: str, **query: str) -> Iterator[tuple[str, Object]]:
        """Events after `version` until the server ends the watch."""
        more = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_SECONDS)}  # fmt: skip
        response = self._send("GET", path, None, query | more, "", (TIMEOUT[0], SILENCE_SECONDS)).response
        try:
            rest = b""
            for chunk in response.stream(amt=None, decode_content=False):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise Refused(event["object"].get("code", 500), event["object"].get("message", "watch failed"))
                    yield event["type"], event["object"]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"API server: {_reason(error)}") from error
        finally:
            response.close()

    def _call(
        self, method: str, path: str, body: Object | None = None, query: dict[str, str] | None = None, content: str = ""
    ) -> Object:
        answer = self._send(method, path, body, query or {}, content, TIMEOUT)
        try:
            data = answer.read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"API server: {_reason(error)}") from error
        return json.loads(data) if data else {}

    def _send(
        self, method: str, path: str, body: Object | None, query: dict[str, str], content: str, timeout: Timeout
    ) -> Any:
        url = f"{self._host}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content or "application/json"}
        try:
            answer = self._rest.request(method, url, headers=headers, body=body, _request_timeout=timeout)
            if answer.status < 400:
                return answer
            status, text = answer.status, answer.read() or b""
        except ApiException as error:
            if not error.status:
                raise Unavailable(f"API server: {error.reason}") from error
            status, text = error.status, error.body or ""
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"API server: {_reason(error)}") from error
        message = _message(text) or f"status {status}"
        # 429: asked too much; 5xx: starting, stopping, or etcd is away.
        raise (Unavailable(message) if status == 429 or status >= 500 else Refused(status, message))


def namespaced(kind: str, namespace: str, name: str = "", group: str = "api/v1") -> str:
    """Path of an object, or of all of a kind in a namespace."""
    path = f"/{group}/namespaces/{quote(namespace)}/{kind}"
    return f"{path}/{quote(name)}" if name else path


def _message(body: bytes | str) -> str:
    try:
        return str(json.loads(body).get("message", ""))
    except (ValueError, AttributeError):
        return body.decode(errors="replace") if isinstance(body, bytes) else body


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return type(reason).__name__ if not str(reason) else str(reason).rpartition(": ")[2]
