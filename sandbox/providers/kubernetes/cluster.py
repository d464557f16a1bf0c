"""The API server: authenticated JSON requests over the official client's connection pool, discovery of kinds, generic
verbs.

Discovery is cached per API group and version, and read again when a kind is not found (a CustomResourceDefinition may
have been created meanwhile). Requests the server asks to repeat (429 and 5xx with Retry-After) are repeated, as
client-go does.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from sandbox.providers.kubernetes import objects
from sandbox.providers.kubernetes.errors import ApiError, UnknownKind, Unreachable, one_line
from sandbox.providers.kubernetes.kubeconfig import Credentials, Kubeconfig
from sandbox.providers.kubernetes.objects import Object

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
_JSON = "application/json"
_TIMEOUT = urllib3.Timeout(connect=5, read=60)
_CONNECTING = urllib3.Retry(2, redirect=False, respect_retry_after_header=False)
"""A connection that the server closed meanwhile is made again; waiting for a busy server is ours, so that it can be
cancelled.
"""
_REPEATS = 10  # client-go's limit
_MAX_DELAY = 30.0
Query = dict[str, str]


@dataclass(frozen=True)
class Kind:
    """Where a kind lives: the collection is `{path}/{plural}` or `{path}/namespaces/{namespace}/{plural}`."""

    path: str
    plural: str
    namespaced: bool


class Cluster:
    """One API server. Methods raise `ApiError`, `Unreachable`, `UnknownKind`, and `Fail` when credentials cannot be
    had.
    """

    def __init__(self, config: Kubeconfig, cancelled: threading.Event) -> None:
        self.server = config.server.rstrip("/")
        self.namespace = config.namespace
        self._config = config
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._discovered: dict[str, dict[str, Kind]] = {}
        self._connection: tuple[Credentials, urllib3.PoolManager] | None = None

    # Kinds.

    def kind(self, version: str, kind: str) -> Kind:
        """Look a kind up, asking the server again when it is new."""
        with self._lock:
            known = self._discovered.get(version, {}).get(kind)
        if known is None:
            found = self._discover(version)
            with self._lock:
                self._discovered[version] = found
            known = found.get(kind)
        if known is None:
            raise UnknownKind(version, kind)
        return known

    def _discover(self, version: str) -> dict[str, Kind]:
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            listing = self.request("GET", path)
        except ApiError as error:
            if error.not_found:
                return {}
            raise
        return {
            entry["kind"]: Kind(path, entry["name"], bool(entry["namespaced"]))
            for entry in listing.get("resources", [])
            if "/" not in entry["name"]
        }

    def forget(self, version: str) -> None:
        """Discover a group version anew at its next use."""
        with self._lock:
            self._discovered.pop(version, None)

    # Verbs. Objects need apiVersion, kind and metadata.name; the namespace defaults to that of the kubeconfig.

    def get(self, obj: Object) -> Object | None:
        """The live object, None when it does not exist."""
        try:
            return self.request("GET", self._path(obj))
        except ApiError as error:
            if error.not_found:
                return None
            raise

    def list(self, version: str, kind: str, namespace: str = "", **query: str) -> list[Object]:
        """All objects of a kind, filtered by `labelSelector` or `fieldSelector`."""
        where = self.kind(version, kind)
        space = f"/namespaces/{quote(namespace)}" if where.namespaced and namespace else ""
        listing = self.request("GET", f"{where.path}{space}/{where.plural}", query=query)
        return [item | {"apiVersion": version, "kind": kind} for item in listing.get("items") or []]

    def apply(self, obj: Object, manager: str, *, force: bool = False, dry_run: bool = False) -> Object:
        """Server-side apply with strict field validation; creates the object if it is not there."""
        query = _query(manager, dry_run) | {"force": "true" if force else "false"}
        return self.request("PATCH", self._path(obj), obj, APPLY, query)

    def create(self, obj: Object, manager: str, *, dry_run: bool = False) -> Object:
        return self.request("POST", self._path(obj, named=False), obj, query=_query(manager, dry_run))

    def replace(self, obj: Object, manager: str, *, dry_run: bool = False) -> Object:
        return self.request("PUT", self._path(obj), obj, query=_query(manager, dry_run))

    def patch(self, obj: Object, operations: list[dict[str, Any]]) -> Object:
        """A JSON patch (RFC 6902)."""
        return self.request("PATCH", self._path(obj), operations, JSON_PATCH)

    def delete(self, obj: Object, propagation: str) -> None:
        """Ask for deletion; not found is an ApiError like any other."""
        self.request("DELETE", self._path(obj), {"propagationPolicy": propagation})

    def _path(self, obj: Object, *, named: bool = True) -> str:
        where = self.kind(objects.api_version(obj), objects.kind(obj))
        space = f"/namespaces/{quote(objects.namespace(obj) or self.namespace)}" if where.namespaced else ""
        return f"{where.path}{space}/{where.plural}" + (f"/{quote(objects.name(obj), safe='')}" if named else "")

    # Transport.

    def request(
        self, method: str, path: str, body: Any = None, content: str = _JSON, query: Query | None = None
    ) -> Any:
        """One JSON request; the parsed answer."""
        url = self.server + path + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body)
        answer = self._send(method, url, data, content)
        for _ in range(_REPEATS):
            delay = answer.headers.get("Retry-After", "")
            again = (answer.status == 429 or answer.status >= 500) and delay.isdigit()
            if not again or self._cancelled.wait(min(float(delay), _MAX_DELAY)):
                break
            answer = self._send(method, url, data, content)
        if answer.status >= 400:
            raise ApiError.of(answer.status, answer.data)
        return json.loads(answer.data)

    def _send(self, method: str, url: str, data: str | None, content: str) -> urllib3.BaseHTTPResponse:
        credentials, pool = self._connect()
        while True:
            authorization = credentials.header()
            headers = {"Accept": _JSON, "Content-Type": content, "User-Agent": "pulumi-kubernetes"}
            if authorization:
                headers["Authorization"] = authorization
            try:
                answer = pool.request(
                    method, url, body=data, headers=headers, timeout=_TIMEOUT, retries=_CONNECTING, redirect=False
                )
            except urllib3.exceptions.HTTPError as error:
                raise Unreachable(f"the Kubernetes API at {self.server} does not answer: {_cause(error)}") from None
            if answer.status != 401:
                credentials.accepted()
                return answer
            if not credentials.refused(authorization):
                return answer

    def _connect(self) -> tuple[Credentials, urllib3.PoolManager]:
        with self._lock:
            if self._connection is None:
                from kubernetes.client import ApiClient

                credentials = Credentials(self._config)
                client = ApiClient(credentials.configuration)
                self._connection = credentials, client.rest_client.pool_manager
            return self._connection


def _query(manager: str, dry_run: bool) -> Query:
    return {"fieldManager": manager, "fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    text = one_line(str(reason))
    return text.rpartition(": ")[2] if "refused" in text else text[:200]
