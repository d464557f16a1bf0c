"""ECR pull-through cache rules. Nothing is pulled."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import serves
from sandbox.aws.wire import ApiError

Record = dict[str, Any]

REGISTRIES = {
    "public.ecr.aws": "ecr-public",
    "registry.k8s.io": "k8s",
    "quay.io": "quay",
    "registry-1.docker.io": "docker-hub",
    "ghcr.io": "github-container-registry",
    "registry.gitlab.com": "gitlab-container-registry",
}
"""Upstream registries (ECR user guide, "Creating a pull through cache rule")."""
WITH_CREDENTIALS = ("docker-hub", "github-container-registry", "gitlab-container-registry")


@dataclass
class CacheRules:
    by_prefix: dict[str, Record] = field(default_factory=dict)


def _one(call: Call) -> Record:
    prefix = call.params["ecrRepositoryPrefix"]
    found = call.store(CacheRules).by_prefix.get(prefix)
    if found is None:
        text = f"The pull through cache rule with the repository prefix '{prefix}' was not found"
        raise ApiError("PullThroughCacheRuleNotFoundException", text)
    return found


@serves("ecr", "CreatePullThroughCacheRule")
def create(call: Call) -> Record:
    given, rules = call.params, call.store(CacheRules).by_prefix
    prefix, upstream = given["ecrRepositoryPrefix"], given["upstreamRegistryUrl"]
    if prefix in rules:
        text = f"A pull through cache rule with the repository prefix '{prefix}' already exists"
        raise ApiError("PullThroughCacheRuleAlreadyExistsException", text)
    if upstream not in REGISTRIES and not upstream.endswith(".amazonaws.com"):
        raise ApiError("UnsupportedUpstreamRegistryException", f"The upstream registry {upstream} is not supported")
    kind = given.get("upstreamRegistry") or REGISTRIES.get(upstream, "ecr")
    if kind in WITH_CREDENTIALS and not given.get("credentialArn"):
        raise ApiError("InvalidParameterException", f"credentialArn is needed for the upstream registry {upstream}")
    kept = ("credentialArn", "customRoleArn", "upstreamRepositoryPrefix")
    rules[prefix] = {
        "ecrRepositoryPrefix": prefix,
        "upstreamRegistryUrl": upstream,
        "upstreamRegistry": kind,
        "createdAt": time.time(),
        "updatedAt": time.time(),
        "registryId": call.account,
        **{member: given[member] for member in kept if given.get(member)},
    }
    return rules[prefix]


@serves("ecr", "DescribePullThroughCacheRules")
def describe(call: Call) -> Record:
    rules, wanted = call.store(CacheRules).by_prefix, call.params.get("ecrRepositoryPrefixes")
    for prefix in wanted or []:
        if prefix not in rules:
            text = f"The pull through cache rule with the repository prefix '{prefix}' was not found"
            raise ApiError("PullThroughCacheRuleNotFoundException", text)
    return {"pullThroughCacheRules": [rule for prefix, rule in rules.items() if not wanted or prefix in wanted]}


@serves("ecr", "UpdatePullThroughCacheRule")
def update(call: Call) -> Record:
    rule = _one(call)
    changed = {member: call.params[member] for member in ("credentialArn", "customRoleArn") if call.params.get(member)}
    rule.update(changed, updatedAt=time.time())
    return rule


@serves("ecr", "DeletePullThroughCacheRule")
def delete(call: Call) -> Record:
    rule = _one(call)
    return call.store(CacheRules).by_prefix.pop(rule["ecrRepositoryPrefix"])
