"""The provider's own configuration: what `kubernetes.Provider(...)` was given, with the environment variables behind
it.

Values arrive as text, booleans as "true" and "false". Options that change what the local provider does not do are
refused by name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.providers.difference import Difference, changes
from sandbox.providers.kubernetes import kubeconfig
from sandbox.providers.protocol import Fail, Problem, Props
from sandbox.providers.wire import unknown

_ENVIRONMENT = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
}
_CLUSTER_KEYS = ("kubeconfig", "context", "cluster")


@dataclass(frozen=True)
class Options:
    """The switches of the official provider that this one honours, with the official defaults."""

    delete_unreachable: bool = False
    enable_patch_force: bool = False
    upsert_existing_objects: bool = False
    config_map_mutable: bool = False
    secret_mutable: bool = False


def flag(value: Any) -> bool:
    """A boolean option: true, "true"; everything else is false."""
    return value is True or value == "true"


def options(args: Props, environ: Mapping[str, str] | None = None) -> Options:
    """Read the switches: the provider's argument, else its environment variable."""
    environ = os.environ if environ is None else environ

    def switch(name: str) -> bool:
        return flag(args[name]) if args.get(name) is not None else environ.get(_ENVIRONMENT[name]) == "true"

    return Options(
        delete_unreachable=switch("deleteUnreachable"),
        enable_patch_force=switch("enablePatchForce"),
        upsert_existing_objects=switch("upsertExistingObjects"),
        config_map_mutable=switch("enableConfigMapMutable"),
        secret_mutable=switch("enableSecretMutable"),
    )


def problems(news: Props) -> list[Problem]:
    """What is wrong with a provider's arguments. An unknown kubeconfig (first preview) is not looked at."""
    found = [
        Problem(name, f"{name} is not available in the local environment; leave it out for this stack")
        for name in ("renderYamlToDirectory", "alwaysRender", "skipUpdateUnreachable")
        if news.get(name) not in (None, "", "false", False)
    ]
    if news.get("enableServerSideApply") in ("false", False):
        found.append(
            Problem("enableServerSideApply", "the local environment applies server-side only; leave it at true")
        )
    given = news.get("kubeconfig")
    if given and not unknown([news.get(key) for key in _CLUSTER_KEYS]):
        try:
            kubeconfig.load(given, news.get("context"), news.get("cluster"))
        except Fail as error:
            found.append(Problem("kubeconfig", str(error)))
    return found


def difference(olds: Props, news: Props) -> Difference:
    """What a changed configuration means for the provider's resources.

    As the official provider: resources are replaced when the active cluster of the kubeconfig changes (server, CA and
    the rest of its entry) or cannot be known yet, not when only credentials change. With `clusterIdentifier` set, its
    change alone replaces.
    """
    found = changes(olds, news)
    marker = "clusterIdentifier"
    if olds.get(marker) and olds.get(marker) == news.get(marker):
        return Difference(found)
    replaces = {marker} if olds.get(marker) and news.get(marker) and marker in found else set()
    changed = [key for key in _CLUSTER_KEYS if key in found]
    if any(unknown(news.get(key)) for key in _CLUSTER_KEYS):
        replaces.update(key for key in _CLUSTER_KEYS if unknown(news.get(key)))
    elif changed:
        old, new = _active(olds), _active(news)
        if old is not None and new is not None and old != new:
            replaces.update(changed)
    return Difference(found, frozenset(replaces))


def _active(config: Props) -> Props | None:
    """The cluster entry in use, None where it cannot be told."""
    if not config.get("kubeconfig") or unknown(config["kubeconfig"]):
        return None
    try:
        return kubeconfig.active_cluster(config["kubeconfig"], config.get("context"), config.get("cluster"))
    except Fail:
        return None
