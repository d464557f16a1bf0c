"""Settings of one provider (`gcp:*` configuration or an explicit `gcp.Provider`).

Nothing here contacts Google, so settings about credentials and calls are accepted and have no effect; custom endpoints,
which could only name something else than this provider, are refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc

from sandbox.providers import wire
from sandbox.providers.protocol import Fail, Problem, Props
from sandbox.providers.provider_settings import given, parsed

USED = {"project", "region", "zone", "defaultLabels", "addPulumiAttributionLabel"}
HARMLESS = {
    "version",
    "accessToken",
    "batching",
    "billingProject",
    "credentials",
    "deletionPolicy",
    "disableGooglePartnerName",
    "externalCredentials",
    "googlePartnerName",
    "impersonateServiceAccount",
    "impersonateServiceAccountDelegates",
    "pollInterval",
    "requestReason",
    "requestTimeout",
    "scopes",
    "universeDomain",
    "userProjectOverride",
}
ATTRIBUTION = {"goog-pulumi-provisioned": "true"}
"""The label that pulumi-gcp adds by itself. https://www.pulumi.com/registry/packages/gcp/installation-configuration/"""


@dataclass(frozen=True)
class Configuration:
    """Parsed settings. `labels`: labels that every resource with labels gets; `attribution`: those that Pulumi adds."""

    project: str
    region: str | None = None
    zone: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    attribution: Mapping[str, str] = field(default_factory=dict)


def project_of(args: Props) -> str | None:
    """The project of the settings, else of the environment."""
    return args.get("project") or os.environ.get("GOOGLE_PROJECT") or os.environ.get("GOOGLE_CLOUD_PROJECT")


def problems(args: Props) -> list[Problem]:
    """What is wrong with the settings, before they are used. Unknown values are not judged."""
    found = [
        Problem(name, f"provider setting {name} is not available in the local cloud; remove it")
        for name in sorted(args)
        if name not in USED | HARMLESS
        and not name.startswith("__")
        and not wire.unknown(args[name])
        and given(args[name])
    ]
    if not project_of(args):
        found.append(Problem("project", "no project: set gcp:project in the stack file"))
    labels = parsed(args.get("defaultLabels"))
    if labels is not None and not wire.unknown(labels) and not isinstance(labels, Mapping):
        found.append(Problem("defaultLabels", "must be an object of labels"))
    return found


def load(args: Props) -> Configuration:
    """The settings to work with. Raises `Fail` with one line when there is no project."""
    project = project_of(args)
    if not project:
        raise Fail("gcp provider: no project: set gcp:project in the stack file", grpc.StatusCode.INVALID_ARGUMENT)
    labels = parsed(args.get("defaultLabels")) or {}
    attribution = str(args.get("addPulumiAttributionLabel", "true")).lower() != "false"
    return Configuration(
        project,
        args.get("region") or None,
        args.get("zone") or None,
        {key: str(value) for key, value in labels.items()},
        ATTRIBUTION if attribution else {},
    )
