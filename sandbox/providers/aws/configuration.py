"""Settings of one provider (`aws:*` configuration or an explicit `aws.Provider`) and what they may not say here.

Only the AWS API of this machine is ever contacted: `AWS_ENDPOINT_URL` must name a loopback address. Settings that
only make sense against AWS itself (credentials checks, retries, profile) are accepted and have no effect; others are
refused."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import grpc

from sandbox.providers import wire
from sandbox.providers.protocol import Fail, Problem, Props
from sandbox.providers.provider_settings import given, parsed
from sandbox.settings import ACCESS_KEY, SECRET_KEY

ENDPOINT = "AWS_ENDPOINT_URL"
USED = {"region", "allowedAccountIds", "forbiddenAccountIds", "defaultTags", "accessKey", "secretKey", "token"}
HARMLESS = {
    "version",
    "profile",
    "maxRetries",
    "retryMode",
    "insecure",
    "s3UsePathStyle",
    "skipCredentialsValidation",
    "skipMetadataApiCheck",
    "skipRegionValidation",
    "skipRequestingAccountId",
}


@dataclass(frozen=True)
class Configuration:
    """Parsed settings. `default_tags`: tags that every taggable resource gets."""

    region: str
    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    token: str | None = None
    default_tags: Mapping[str, str] = field(default_factory=dict)
    allowed_accounts: tuple[str, ...] = ()
    forbidden_accounts: tuple[str, ...] = ()


def region_of(args: Props) -> str | None:
    """The region of the settings, else of the environment."""
    return args.get("region") or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def problems(args: Props) -> list[Problem]:
    """What is wrong with the settings, before they are used. Unknown values are not judged."""
    found = [
        Problem(name, f"provider setting {name} is not supported in the local environment; remove it")
        for name in sorted(args)
        if name not in USED | HARMLESS
        and not name.startswith("__")
        and not wire.unknown(args[name])
        and given(args[name])
    ]
    if not region_of(args):
        found.append(Problem("region", "no region: set aws:region in the stack file"))
    tags = parsed(args.get("defaultTags"))
    if tags is not None and not wire.unknown(tags) and not isinstance(tags, Mapping):
        found.append(Problem("defaultTags", 'must be an object {"tags": {...}}'))
    return found


def load(args: Props) -> Configuration:
    """The settings to work with. Raises `Fail` with one line when the endpoint is not on this machine."""
    region = region_of(args)
    if not region:
        raise Fail("aws provider: no region: set aws:region in the stack file", grpc.StatusCode.INVALID_ARGUMENT)
    tags = parsed(args.get("defaultTags")) or {}
    return Configuration(
        region=region,
        endpoint=loopback_endpoint(os.environ.get(ENDPOINT)),
        access_key=args.get("accessKey") or os.environ.get("AWS_ACCESS_KEY_ID") or ACCESS_KEY,
        secret_key=args.get("secretKey") or os.environ.get("AWS_SECRET_ACCESS_KEY") or SECRET_KEY,
        token=args.get("token") or os.environ.get("AWS_SESSION_TOKEN"),
        default_tags={key: str(value) for key, value in (tags.get("tags") or {}).items()},
        allowed_accounts=_names(args.get("allowedAccountIds")),
        forbidden_accounts=_names(args.get("forbiddenAccountIds")),
    )


def _names(value: Any) -> tuple[str, ...]:
    value = parsed(value) or ()
    return tuple(str(item) for item in (value if isinstance(value, list | tuple) else [value]))


def loopback_endpoint(url: str | None) -> str:
    """The address of the local AWS API. Raises `Fail` when there is none or when it is another machine's."""
    hint = "this provider serves the local cloud only; for AWS itself use the official plugin (another PULUMI_HOME)"
    if not url:
        raise Fail(f"aws provider: {ENDPOINT} is not set; {hint}")
    host = urlsplit(url).hostname or ""
    if host != "localhost":
        try:
            local = ipaddress.ip_address(host).is_loopback
        except ValueError:
            local = False
        if not local:
            raise Fail(f"aws provider: {ENDPOINT} {url} is not on this machine (127.0.0.1, ::1, localhost); {hint}")
    return url


def refuse_account(configuration: Configuration, account: str) -> None:
    """Raises `Fail` when the credentials belong to an account that the stack does not allow."""
    allowed, forbidden = configuration.allowed_accounts, configuration.forbidden_accounts
    if (allowed and account not in allowed) or account in forbidden:
        rule = f"aws:allowedAccountIds allows {', '.join(allowed)}" if allowed else "aws:forbiddenAccountIds forbids it"
        raise Fail(
            f"aws provider: the credentials belong to account {account}, but {rule}; nothing was done",
            grpc.StatusCode.PERMISSION_DENIED,
        )
