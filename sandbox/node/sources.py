"""What pods take from the API server: config maps, secrets, tokens, bound claims; and the events about them."""

from __future__ import annotations

import base64
import contextlib

from sandbox.node.api import Api, ApiError, Object, namespaced
from sandbox.node.launch import now


class ClusterSources:
    """The sources of environment.py and volumes.py, from the API server. Raises ApiError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def config_map(self, namespace: str, name: str) -> dict[str, bytes] | None:
        found = self._api.find(namespaced("configmaps", namespace, name))
        if found is None:
            return None
        text = {key: value.encode() for key, value in (found.get("data") or {}).items()}
        return text | {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}

    def secret(self, namespace: str, name: str) -> dict[str, bytes] | None:
        found = self._api.find(namespaced("secrets", namespace, name))
        if found is None:
            return None
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    def token(self, pod: Object, audience: str | None, seconds: int) -> str:
        metadata = pod["metadata"]
        bound = {"kind": "Pod", "apiVersion": "v1", "name": metadata["name"], "uid": metadata["uid"]}
        wanted: Object = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if audience:
            wanted["audiences"] = [audience]
        account = namespaced("serviceaccounts", metadata["namespace"], pod["spec"].get("serviceAccountName", "default"))
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": wanted}
        return self._api.create(f"{account}/token", body)["status"]["token"]

    def claim(self, namespace: str, name: str) -> Object | None:
        found = self._api.find(namespaced("persistentvolumeclaims", namespace, name))
        volume = found and (found["spec"].get("volumeName") or "")
        return self._api.find(f"/api/v1/persistentvolumes/{volume}") if volume else None


class Events:
    """Writes events about pods. A lost event is no fault: nothing here raises."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def warn(self, pod: Object, reason: str, message: str) -> None:
        metadata, time = pod["metadata"], now()
        body: Object = {
            "metadata": {"generateName": f"{metadata['name']}.", "namespace": metadata["namespace"]},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod"}
            | {key: metadata[key] for key in ("name", "namespace", "uid")},
            "type": "Warning",
            "reason": reason,
            "message": message[:1024],
            "source": {"component": "process-node", "host": pod["spec"].get("nodeName", "")},
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        }
        with contextlib.suppress(ApiError):
            self._api.create(namespaced("events", metadata["namespace"]), body)
