"""Every type that a rule looks at exists in the installed providers: a slip in a token would be a silent pass."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from policies.rules import ALL
from policies.rules.tokens import ALIASES, canonical

PROVIDERS = {"aws": "pulumi_aws", "gcp": "pulumi_gcp", "kubernetes": "pulumi_kubernetes"}
CUSTOM = ("kubernetes:karpenter.sh/v1:NodePool", "kubernetes:helm.sh/v3:Release")
TYPES = sorted({kind for rule in ALL for kind in rule.types} - {"*"})


@cache
def modules(package: str, *inside: str) -> dict[str, Path]:
    """The files of a folder of an SDK, by their names without underscores."""
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent.joinpath(*inside)
    return {path.stem.replace("_", "").lower(): path for path in folder.glob("*.py")}


def exists(kind: str) -> bool:
    """Whether the SDK defines a type."""
    provider, middle, name = kind.split(":")
    if provider == "pulumi":
        return name in PROVIDERS
    first, _, last = middle.partition("/")
    if provider == "kubernetes":
        found = modules(PROVIDERS[provider], first.partition(".")[0], last).get(name.lower())
    else:
        places = (modules(PROVIDERS[provider], folder) for folder in (first, f"{first}_"))
        found = next((place[last.lower()] for place in places if last.lower() in place), None)
    return found is not None and (provider == "kubernetes" or f"'{kind}'" in found.read_text(encoding="utf-8"))


def test_the_providers_know_every_type() -> None:
    assert [kind for kind in TYPES if kind not in CUSTOM and not exists(kind)] == []


def test_a_slip_in_a_token_is_found() -> None:
    assert exists("aws:s3/bucket:Bucket")
    assert not exists("aws:s3/bucket:Buckets")
    assert not exists("aws:s3/buckett:Buckett")
    assert not exists("kubernetes:core/v1:Pods")


def test_an_old_token_stands_for_a_type_that_rules_look_at() -> None:
    assert {canonical(old) for old in ALIASES} <= {*TYPES, *ALIASES.values()}
    assert not [new for new in ALIASES.values() if new in ALIASES]
