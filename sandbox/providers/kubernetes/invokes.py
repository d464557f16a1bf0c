"""Functions of the provider that the SDK's components of the first generation call: YAML decoding; charts and
kustomize say no.
"""

from __future__ import annotations

import grpc

from sandbox.providers.kubernetes import charts, objects
from sandbox.providers.kubernetes.manifests import decode
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.protocol import Fail, Props, Target


def invoke(session: Session, token: str, args: Props) -> Props:
    """Run a function by its token. Raises `Fail`."""
    match token:
        case "kubernetes:yaml:decode":
            return {"result": _decoded(session, args)}
        case "kubernetes:helm:template":
            session.tell(Target("", token, ""), charts.NOTICE.format("a chart"), status=False, warning=True)
            return {"result": []}
        case "kubernetes:kustomize:directory":
            raise Fail(
                "kustomize is not available in the local environment; render the manifests and use yaml.v2.ConfigGroup"
            )
    raise Fail(f"function {token} is not available in the local environment", grpc.StatusCode.UNIMPLEMENTED)


def _decoded(session: Session, args: Props) -> list[objects.Object]:
    text, space = args.get("text"), args.get("defaultNamespace")
    if not isinstance(text, str):
        raise Fail("kubernetes:yaml:decode: the argument `text` is missing")
    found = [one for one in decode(text) if objects.kind(one) and objects.api_version(one)]
    for one in found:
        if space and not objects.namespace(one) and session.namespaced(one):
            one.setdefault("metadata", {})["namespace"] = space
    return found
