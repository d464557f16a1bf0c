"""What applies to a stack: its profile, its own overrides and its exemptions, as its stack file says.

`policies: {profile: production|development|sandbox, rules: {ID: {level, parameters}}, exemptions: [...]}`. The rules'
own levels and defaults are those of production. Everything is checked here, all mistakes at once.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from typing import Any, Final, get_args

import cost
from catalog import carbon
from catalog.release import eks_registry_accounts
from policies.rules import ALL, parameters
from policies.rules.exemptions import Exemption, exemption, mistakes
from policies.rules.model import Level
from policies.rules.workload_supply import ANY_ACCOUNT, DEEP_LEARNING, SHARED, ecr
from terminal import InvalidInput

KEY: Final = "ai-datacenter:policies"
LIMITS: Final = ("hourly-usd", "monthly-usd", "upfront-usd", "power-kw", "energy-kwh", "carbon-kg", "accelerators")
RULES: Final = {rule.id: rule for rule in ALL}
LEVELS: Final = get_args(Level)
OPEN: Final[dict[str, dict[str, Any]]] = {
    rule.id: {"protected": False} for rule in ALL if "protected" in rule.parameters
}
"""Outside production things may be destroyed and switched off."""
SHORT: Final[dict[str, dict[str, Any]]] = {
    "loggroup-retention": {"min-days": 1},
    "k8s-image-pinned": {"require-digest": False},
    "k8s-non-root": {"min-uid": 1},
    "fsx-throughput-per-node": {"min-mb-per-node": 50},
    **{rule.id: {"require-cmk": False} for rule in ALL if "require-cmk" in rule.parameters},
}
PARAMETERS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "production": {},
    "development": {**OPEN, **SHORT},
    "sandbox": {**OPEN, **SHORT},
}
PROFILES: Final[dict[str, dict[str, Level]]] = {
    "production": {},
    "development": {"ecr-immutable-tags": "advisory", "k8s-image-registry-allowlist": "advisory"},
    "sandbox": {
        "ecr-immutable-tags": "advisory",
        "k8s-image-registry-allowlist": "advisory",
        "eks-secrets-kms": "advisory",
        "cloudtrail-complete": "advisory",
        "ebs-volume-encrypted": "advisory",
        "efs-encrypted": "advisory",
        "rds-encrypted": "advisory",
        "lb-listener-tls": "advisory",
        "backup-covers-stateful": "disabled",
        "rds-multi-az": "disabled",
        "s3-access-logging": "disabled",
    },
}
"""Levels that differ from production's. What a cloud refuses and what opens a stack to the world is mandatory in all.
Development may change an image under its tag and try images from anywhere. A sandbox holds nothing of value: what
protects data at rest only advises there, and what insures against loss is off."""


@dataclass
class Settings:
    """Levels, parameters and exemptions of one stack."""

    levels: dict[str, Level] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    exemptions: list[Exemption] = field(default_factory=list)

    def give(self, rule: str, **values: Any) -> None:
        """Set parameters (underscores for hyphens) that the stack file does not set."""
        named = {name.replace("_", "-"): value for name, value in values.items() if value is not None}
        self.parameters[rule] = {**named, **self.parameters.get(rule, {})}


def settings(config: Mapping[str, str], estimate: cost.Estimate | None) -> Settings:
    """What applies to a stack. `config`: full key to text; without a policies section it is production's.

    Raises `InvalidInput` with every mistake of the section.
    """
    section = _section(config, KEY)
    profile = section.get("profile", "production")
    problems: list[str] = []
    if profile not in PROFILES:
        problems.append(f"policies.profile: {profile!r} is none of {', '.join(PROFILES)}")
        profile = "production"
    found = Settings(dict(PROFILES[profile]), {rule: dict(values) for rule, values in PARAMETERS[profile].items()})
    problems += _overrides(found, section.get("rules") or {})
    problems += _exemptions(found, section.get("exemptions") or [])
    problems += [f"policies.{key}: unknown key" for key in section if key not in ("profile", "rules", "exemptions")]
    if problems:
        raise InvalidInput(problems)
    _of_stack(found, config)
    if estimate is not None:
        _of_estimate(found, config, estimate)
    return found


def _section(config: Mapping[str, str], key: str) -> dict[str, Any]:
    try:
        value = json.loads(config.get(key) or "{}")
    except ValueError:
        raise InvalidInput(f"{key} is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidInput(f"{key} is not a map of settings")
    return value


def _overrides(found: Settings, given: Any) -> Iterable[str]:
    if not isinstance(given, Mapping):
        yield "policies.rules: give a map of rule ids"
        return
    for name, change in given.items():
        rule = RULES.get(name)
        if rule is None:
            yield f"policies.rules.{name}: there is no such rule{_near(name)}"
            continue
        if not isinstance(change, Mapping):
            yield f"policies.rules.{name}: give a map with level and parameters"
            continue
        level = change.get("level") or found.levels.get(name, rule.level)
        if level not in LEVELS:
            yield f"policies.rules.{name}.level: {level!r} is none of {', '.join(LEVELS)}"
        elif level == "remediate" and rule.remedy is None:
            yield f"policies.rules.{name}.level: the rule has no remediation; give advisory or mandatory"
        else:
            found.levels[name] = level
        where = f"policies.rules.{name}"
        yield from (f"{where}.{key}: unknown key" for key in change if key not in ("level", "parameters"))
        given_here = change.get("parameters") or {}
        if not isinstance(given_here, Mapping):
            yield f"{where}.parameters: give a map of parameters"
            continue
        yield from (f"{where}.parameters.{said}" for said in parameters.mistakes(rule, given_here))
        found.parameters.setdefault(name, {}).update(given_here)


def _exemptions(found: Settings, given: Any) -> Iterable[str]:
    if not isinstance(given, list):
        yield "policies.exemptions: give a list"
        return
    for index, entry in enumerate(given):
        where = f"policies.exemptions[{index}]"
        wrong = [f"{where}{said}" for said in mistakes(entry)]
        rule = entry.get("rule") if isinstance(entry, Mapping) else None
        if rule and (not isinstance(rule, str) or rule not in RULES):
            wrong.append(f"{where}.rule: there is no rule {rule}{_near(rule)}")
        yield from wrong
        if not wrong:
            found.exemptions.append(exemption(entry))


def _near(name: object) -> str:
    near = difflib.get_close_matches(str(name), RULES, 1)
    return f"; did you mean {near[0]}?" if near else "; `python -m policies.docs --list` names them"


def _of_stack(found: Settings, config: Mapping[str, str]) -> None:
    """What the stack file says elsewhere: its region, its administrators, its accounts, its budget."""
    if region := config.get("aws:region") or config.get("gcp:region"):
        found.give("region-allowlist", regions=[region])
    _registries(found, config)
    if accounts := _accounts(config):
        found.give("iam-trust-not-wildcard", accounts=accounts)
        found.give("ami-encrypted", accounts=accounts)
    admins = _section(config, "ai-datacenter:cluster").get("admins")
    if admins and isinstance(admins, list):
        found.give("eks-access-cluster-admin-allowlist", principals=admins)
        found.give("k8s-rbac-least-privilege", admins=[str(member).partition(":")[2] for member in admins])
    kinds = [
        str(pool.get("instance-type") or "").partition(".")[0]
        for name in ("pools", "system-pools")
        for pool in _section(config, f"ai-datacenter:{name}").values()
        if isinstance(pool, Mapping)
    ]
    kinds = [kind for kind in kinds if kind]
    if kinds:
        found.give("instance-type-allowlist", families=sorted(set(kinds)))
    site = _section(config, "ai-datacenter:site")
    tags = {f"dc:{key}": site[key] for key in ("environment", "owner", "cost-center") if key in site}
    if site.get("name"):
        found.give("required-tags", defaults={"dc:site": site["name"], **tags})


def _accounts(config: Mapping[str, str]) -> list[str]:
    """The accounts that a stack may be in."""
    text = config.get("aws:allowedAccountIds") or "[]"
    try:
        accounts = json.loads(text)
    except ValueError:
        raise InvalidInput("aws:allowedAccountIds is not JSON: give a list of account ids") from None
    return [str(account) for account in (accounts if isinstance(accounts, list) else [accounts])]


def _registries(found: Settings, config: Mapping[str, str]) -> None:
    """Where images may come from: the stack's own accounts and projects, and those that AWS and Google publish from."""
    accounts, project = _accounts(config), config.get("gcp:project")
    if not accounts and not project:
        return
    trusted = {*accounts, DEEP_LEARNING, *eks_registry_accounts()} if accounts else {ANY_ACCOUNT}
    hosts = [host for account in sorted(trusted) for host in ecr(account)]
    own = [f"*-docker.pkg.dev/{project}/*"] if project else []
    found.give("k8s-image-registry-allowlist", registries=[*hosts, *SHARED, *own])


def _of_estimate(found: Settings, config: Mapping[str, str], estimate: cost.Estimate) -> None:
    """Totals that the rules cannot compute themselves, and the budget they are held against."""
    limits = _limits(_section(config, "ai-datacenter:budget"))
    number = limits.get
    totals = estimate.totals
    found.give(
        "cost-estimate-within-budget",
        hourly_usd=float(totals.hourly_usd),
        monthly_usd=float(totals.monthly_usd.base),
        max_hourly_usd=number("hourly-usd"),
        max_monthly_usd=number("monthly-usd"),
        upfront_usd=float(totals.upfront_usd),
        max_upfront_usd=number("upfront-usd"),
        unpriced=sorted({f"{entry.resource} ({entry.item})" for entry in estimate.unknown}),
    )
    power, emitted = estimate.power, estimate.carbon
    found.give(
        "power-within-budget",
        kw=_bounded(*_at_site(power), number("power-kw")),
        max_kw=number("power-kw"),
        kwh=_bounded(power.kwh_month, [p for p in power.pools if p.kwh_month is None], number("energy-kwh")),
        max_kwh=number("energy-kwh"),
    )
    region = carbon.region(_cloud(config), estimate.region) if estimate.region else None
    found.give(
        "carbon-region-threshold",
        factors=carbon.factors(),
        g_per_kwh=region.g_per_kwh if region else None,
        kg=_bounded(emitted.kg_month, [p for p in emitted.pools if p.kg_month is None], number("carbon-kg")),
        max_kg=number("carbon-kg"),
    )
    found.give("accelerator-count-cap", max_accelerators=number("accelerators"))


def _cloud(config: Mapping[str, str]) -> str:
    """The cloud of a stack; a plan of another program says it by the region it sets."""
    only_google = bool(config.get("gcp:region")) and not config.get("aws:region")
    return config.get("ai-datacenter:cloud") or ("gcp" if only_google else "aws")


def _limits(budget: Mapping[str, Any]) -> dict[str, float]:
    """The limits of a budget section. Raises `InvalidInput` with every one that is no number."""
    found, problems = {}, []
    for key in LIMITS:
        value = budget.get(key)
        if value is None:
            continue
        try:
            number = float("nan") if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = float("nan")
        if not math.isfinite(number) or number < 0:
            problems.append(f"budget.{key}: {value!r} is not a number from 0")
        found[key] = number
    if problems:
        raise InvalidInput(problems)
    return found


def _at_site(power: Any) -> tuple[float | None, list[Any]]:
    """Most kW that a site draws, cooling included, and the pools of which that is not known."""
    known = [pool.max_kw * pool.pue for pool in power.pools if pool.max_kw is not None and pool.pue is not None]
    unknown = [pool for pool in power.pools if pool.max_kw is None or pool.pue is None]
    return (sum(known) if known or not unknown else None), unknown


def _bounded(figure: float | None, unknown: Sized, most: float | None) -> float | None:
    """A sum of which a part is unknown is only good for saying that the known part is above the limit already."""
    return None if unknown and (figure is None or most is None or figure <= most) else figure
