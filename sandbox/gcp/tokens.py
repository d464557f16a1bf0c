"""Tokens of recorded GKE clusters: what `gke-gcloud-auth-plugin` prints here, and whom the API server sees behind one.

A real token is an OAuth access token of the caller's Google account, good for every cluster of the project, and GKE
asks IAM what the caller may do. Here there is one account, the owner of the local project, who may do everything in its
clusters. The token says so and is signed with a key of this sandbox; it is accepted while a cluster is recorded.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.gcp import PROJECT
from sandbox.gcp.store import Store
from sandbox.settings import Settings

PREFIX = "ya29.sandbox."
"""Access tokens of Google begin with ya29."""
LIFETIME = timedelta(hours=1)
USER = f"owner@{PROJECT}.iam.gserviceaccount.com"
GROUPS = ("system:masters", "system:authenticated")
"""Owners and Kubernetes Engine admins of a project are administrators of its clusters.
https://cloud.google.com/kubernetes-engine/docs/how-to/iam#predefined"""
CLUSTER = "gcp:container/cluster:Cluster"
API_VERSION = "client.authentication.k8s.io/v1beta1"


class Denied(Exception):
    """The token is not accepted; the text says why."""


def issue(settings: Settings, now: datetime | None = None) -> dict[str, Any]:
    """An ExecCredential, as `gke-gcloud-auth-plugin` prints it. Raises OSError when there is no sandbox."""
    end = ((now or datetime.now(UTC)) + LIFETIME).replace(microsecond=0)
    body = base64.urlsafe_b64encode(json.dumps({"email": USER, "exp": int(end.timestamp())}).encode()).decode()
    token = f"{PREFIX}{body}.{_signature(settings, body)}"
    expires = end.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "kind": "ExecCredential",
        "apiVersion": API_VERSION,
        "spec": {"interactive": False},
        "status": {"expirationTimestamp": expires, "token": token},
    }


def identify(settings: Settings, token: str, now: datetime | None = None) -> dict[str, Any]:
    """The user behind a token, in the form of a TokenReview. Raises `Denied`."""
    body, _, signature = token.removeprefix(PREFIX).partition(".")
    if not hmac.compare_digest(signature, _signature(settings, body)):
        raise Denied("the token was not issued by this sandbox")
    try:
        content = json.loads(base64.urlsafe_b64decode(body))
    except (ValueError, binascii.Error):
        raise Denied("the token cannot be read") from None
    if content["exp"] < (now or datetime.now(UTC)).timestamp():
        raise Denied("the token is expired (1 hour)")
    if not Store.of(settings).of_type(CLUSTER):
        raise Denied("no cluster is recorded in the local Google Cloud")
    return {"username": content["email"], "uid": content["email"], "groups": list(GROUPS)}


def _signature(settings: Settings, body: str) -> str:
    key = (settings.pki / "sa.key").read_bytes()
    return hmac.new(key, body.encode(), hashlib.sha256).hexdigest()
