"""Components that the provider builds itself (Construct): `yaml.v2.ConfigGroup` and `ConfigFile`; `helm.v4.Chart` is
recorded only.

Follows provider/pkg/provider/yaml/v2 of the official provider: children are named `prefix:namespace/name`, the prefix
being the component's name by default, and depend on their namespace, their kind's definition and their depends-on
annotation.
"""

from __future__ import annotations

import asyncio
import glob
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider
from pulumi.provider.server import ProviderServicer

from sandbox.providers.kubernetes import charts, manifests, objects
from sandbox.providers.kubernetes.objects import Object
from sandbox.providers.kubernetes.session import Session
from sandbox.providers.protocol import Fail, Target

GROUP, FILE = "kubernetes:yaml/v2:ConfigGroup", "kubernetes:yaml/v2:ConfigFile"
CHART, DIRECTORY = "kubernetes:helm.sh/v4:Chart", "kubernetes:kustomize/v2:Directory"
_GLOB = re.compile(r"(?:^|[^\\])[*?\[]")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_ONE_AT_A_TIME = threading.Lock()
"""The SDK keeps the running program in module globals."""


class Components(Provider):
    """Builds components for one Construct call. `failure` is what went wrong in words for the user, if anything did."""

    def __init__(self, session: Session, version: str) -> None:
        super().__init__(version)
        self._session, self._own_version = session, version
        self.failure: Fail | None = None

    def construct(
        self,
        name: str,
        resource_type: str,
        inputs: Mapping[str, Any],
        options: pulumi.ResourceOptions | None = None,
    ) -> ConstructResult:
        component = pulumi.ComponentResource(resource_type, name, None, options)
        if resource_type == CHART:
            self._tell(str(component.pulumi_resource_name), charts.NOTICE.format("a chart"))
            resources: Any = []
        else:
            keys = ("file", "files", "yaml", "objs", "resourcePrefix", "skipAwait")
            given = pulumi.Output.all(**{key: inputs.get(key) for key in keys})
            resources = given.apply(lambda values: self._build(component, name, values))
        component.register_outputs({"resources": resources})
        return ConstructResult(urn=component.urn, state={"resources": resources})

    def _tell(self, name: str, message: str) -> None:
        self._session.tell(Target("", "", name), f"{name}: {message}", status=False, warning=True)

    def _build(self, component: pulumi.ComponentResource, name: str, values: dict[str, Any]) -> list[pulumi.Resource]:
        try:
            prefix = values["resourcePrefix"] if values["resourcePrefix"] is not None else name
            found = manifests.expand(collect(values))
            found = manifests.with_namespaces(found, self._session.cluster.namespace, self._session.namespaced)
            needs = manifests.dependencies(found)
            ordered = manifests.in_order(found, needs)
        except Fail as error:
            self.failure = error
            raise
        made: dict[manifests.Reference, pulumi.Resource] = {}
        for one in ordered:
            own = manifests.reference(one)
            options = pulumi.ResourceOptions(
                parent=component, version=self._own_version, depends_on=[made[need] for need in needs[own]]
            )
            child = f"{prefix}:{objects.identity(one)}" if prefix else objects.identity(one)
            made[own] = pulumi.CustomResource(token(one), child, properties(one, bool(values["skipAwait"])), options)
        return list(made.values())


def collect(values: Mapping[str, Any]) -> list[Object]:
    """All objects of a ConfigGroup's or ConfigFile's arguments. Raises `Fail`."""
    files = values.get("files") or []
    texts = [text for file in ([files] if isinstance(files, str) else files) for text in _read(file, globbing=True)]
    if values.get("file"):
        texts += _read(values["file"], globbing=False)
    if values.get("yaml"):
        texts.append(values["yaml"])
    found = [one for text in texts for one in manifests.decode(text)]
    given = values.get("objs") or []
    return found + [dict(one) for one in ([given] if isinstance(given, Mapping) else given)]


def _read(file: str, *, globbing: bool) -> list[str]:
    if _URL.match(file):
        raise Fail(f"{file}: manifests cannot be fetched in the local environment; save the file and give its path")
    names = sorted(glob.glob(file)) if globbing and _GLOB.search(file) else [file]  # noqa: PTH207 - absolute patterns
    try:
        return [Path(name).read_text(encoding="utf-8") for name in names]
    except OSError as error:
        raise Fail(f"{file}: cannot be read: {error.strerror}") from None


def token(obj: Object) -> str:
    """The type token of an object: `kubernetes:core/v1:Pod`."""
    version = objects.api_version(obj)
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{objects.kind(obj)}"


def properties(obj: Object, skip_await: bool) -> dict[str, Any]:
    """A manifest as the inputs of its resource: the data of Secrets is secret."""
    result = objects.from_api(obj)
    if skip_await:
        annotations = result["metadata"].setdefault("annotations", {})
        annotations[objects.SKIP_AWAIT] = "true"
    if objects.is_secret(obj):
        for key in ("data", "stringData"):
            if key in result:
                result[key] = pulumi.Output.secret(result[key])
    return result


async def _served(provider: Provider, engine_address: str, request: Any) -> Any:
    nobody: Any = None  # the context is used for errors of input properties only, which these components never raise
    return await ProviderServicer(provider, [], engine_address).Construct(request, nobody)


def construct(session: Session, version: str, engine_address: str, request: Any) -> Any:
    """Answer a Construct request. Raises `Fail`."""
    if request.type == DIRECTORY:
        raise Fail(
            "kustomize is not available in the local environment; render the manifests and use yaml.v2.ConfigGroup"
        )
    if request.type not in (GROUP, FILE, CHART):
        raise Fail(f"component {request.type} is not available in the local environment")
    provider = Components(session, version)
    with _ONE_AT_A_TIME:
        try:
            return asyncio.run(_served(provider, engine_address, request))
        except Exception as error:
            if provider.failure is not None:
                raise Fail(f"{request.name}: {provider.failure}") from None
            if "resource monitor shut down" in str(error):
                raise Fail(f"{request.name}: one of its resources failed") from None
            raise
