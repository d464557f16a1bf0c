"""Keys: rotated, enabled, and not everybody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .documents import statements
from .model import Parameters, Resource, Violation, independently, resource_rule

KEY = "aws:kms/key:Key"
POLICY = "aws:kms/keyPolicy:KeyPolicy"


def _symmetric(key: Resource) -> bool:
    spec = key.get("customerMasterKeySpec") or key.get("keySpec") or "SYMMETRIC_DEFAULT"
    return spec == "SYMMETRIC_DEFAULT" and key.get("keyUsage", "ENCRYPT_DECRYPT") == "ENCRYPT_DECRYPT"


def _rotate(key: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if _symmetric(key) and not key.says("enableKeyRotation"):
        yield "enableKeyRotation", True


@resource_rule(
    id="kms-rotation",
    title="Keys are rotated",
    severity="medium",
    level="mandatory",
    types=[KEY],
    fix="set enableKeyRotation to true.",
    references=["CKV_AWS_7", "CKV_AWS_227", "CIS AWS 3.6", "FSBP KMS.4", "NIST 800-53 SC-12"],
    remedy=_rotate,
)
def kms_rotation(key: Resource, _: Parameters) -> Iterator[Violation]:
    """A key that never changes protects less with every year it is used."""

    def rotated() -> Iterator[Violation]:
        if _symmetric(key) and not key.says("enableKeyRotation"):
            yield Violation("enableKeyRotation is not true.", check="CKV_AWS_7")

    def enabled() -> Iterator[Violation]:
        if key.denies("isEnabled"):
            yield Violation("the key is disabled.", check="CKV_AWS_227")

    yield from independently(rotated(), enabled())


@resource_rule(
    id="kms-policy-no-wildcard",
    title="No key is everybody's",
    severity="critical",
    level="mandatory",
    types=[KEY, POLICY],
    fix="name the principals, or restrict the statement by kms:CallerAccount or kms:ViaService.",
    references=["CKV_AWS_33", "NIST 800-53 SC-12"],
)
def policy_no_wildcard(key: Resource, _: Parameters) -> Iterator[Violation]:
    """Who may use the key may read all that it protects."""
    for statement in statements(key):
        if not statement.opens or statement.restricted() or not statement.concerns("kms"):
            continue
        weak = "weak-condition" if statement.conditions else "not-action" if statement.not_actions else "CKV_AWS_33"
        who = "every principal" if statement.anyone else "every principal but some"
        check = weak if statement.anyone else statement.opens
        yield Violation(f"a statement allows {who} to use the key.", check=check)
