"""Identities: no administrators by policy, no users, trust only in whom one knows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .documents import Statement, statements
from .model import Parameters, Resource, Violation, each, independently, resource_rule

ROLE = "aws:iam/role:Role"
USER = "aws:iam/user:User"
ACCESS_KEY = "aws:iam/accessKey:AccessKey"
USER_ATTACHMENT = "aws:iam/userPolicyAttachment:UserPolicyAttachment"
USER_POLICY = "aws:iam/userPolicy:UserPolicy"
ATTACHMENT = "aws:iam/policyAttachment:PolicyAttachment"
DOCUMENTS = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    USER_POLICY,
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
)
ATTACHMENTS = (
    ATTACHMENT,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    USER_ATTACHMENT,
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment",
    ROLE,
)
ADMINISTRATORS = {"AdministratorAccess": "CKV_AWS_274", "IAMFullAccess": "CKV2_AWS_56"}
GITHUB = "token.actions.githubusercontent.com"


def documents(resource: Resource) -> Iterator[Statement]:
    """The statements of a resource that holds a policy of rights, or of the policies in a role."""
    if resource.type == ROLE:
        yield from each(resource.views("inlinePolicies"), statements)
        return
    path = "inlinePolicy" if resource.type.endswith("PermissionSetInlinePolicy") else "policy"
    yield from statements(resource, path)


@resource_rule(
    id="iam-no-admin",
    title="Nobody is an administrator by policy",
    severity="critical",
    level="mandatory",
    types=[*DOCUMENTS, *ATTACHMENTS],
    fix="name the actions and resources that are needed.",
    references=["CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_274", "CKV2_AWS_40", "CKV2_AWS_56", "CIS AWS 1.16", "FSBP IAM.1"],
    parameters={"allowed-roles": ()},
)
def no_admin(resource: Resource, given: Parameters) -> Iterator[Violation]:
    """One stolen credential would be the whole account."""
    if given["allowed-roles"] and resource.get("role") in given["allowed-roles"]:
        return
    paths = ("policyArn", "managedPolicyArn", "managedPolicyArns") if resource.type in ATTACHMENTS else ()
    yield from independently(
        each(documents(resource) if resource.type in (*DOCUMENTS, ROLE) else (), _too_much),
        each(paths, lambda path: each(resource.items(path), _administrator)),
    )


def _too_much(statement: Statement) -> Iterator[Violation]:
    if not statement.allows:
        return
    if statement.everything and statement.everywhere:
        yield Violation("a statement allows every action on every resource.", check="CKV_AWS_62")
    if statement.everything:
        yield Violation("a statement allows every action.", check="CKV_AWS_63")
    if statement.wholly("iam"):
        yield Violation("a statement allows every action of IAM.", check="CKV2_AWS_40")
    if statement.not_actions and statement.everywhere:
        left = ", ".join(statement.not_actions[:3])
        yield Violation(f"a statement allows every action but {left} on every resource.", check="not-action")


def _administrator(arn: object) -> Iterator[Violation]:
    name = str(arn).rpartition("/")[2]
    if str(arn).startswith("arn:aws") and ":aws:policy/" in str(arn) and name in ADMINISTRATORS:
        yield Violation(f"{name} is attached.", check=ADMINISTRATORS[name])


@resource_rule(
    id="iam-trust-not-wildcard",
    title="Roles trust only whom they know",
    severity="critical",
    level="mandatory",
    types=[ROLE],
    fix="name the role or service that may assume it; list accounts that are trusted as a whole in accounts.",
    references=["CKV_AWS_60", "CKV_AWS_61", "NIST 800-53 AC-3"],
    parameters={"accounts": ()},
)
def trust_not_wildcard(role: Resource, given: Parameters) -> Iterator[Violation]:
    """Everyone in the world, or in a foreign account, could become the role."""
    accounts = [str(account) for account in given["accounts"]]
    for statement in statements(role, "assumeRolePolicy"):
        if not statement.allows:
            continue
        if statement.opens and not statement.restricted():
            if statement.anyone:
                yield Violation("every principal may assume the role.", check="CKV_AWS_60")
            else:
                yield Violation("every principal but some may assume the role.", check=statement.opens)
        for kind, value in statement.principals:
            account = re.fullmatch(r"(?:arn:aws[\w-]*:iam::)?(\d{12})(?::root)?", value)
            if kind == "AWS" and account and account[1] not in accounts and not statement.restricted():
                yield Violation(f"everyone in account {account[1]} may assume the role.", check="CKV_AWS_61")


@resource_rule(
    id="iam-github-oidc-claims",
    title="Only one's own repositories deploy",
    severity="critical",
    level="mandatory",
    types=[ROLE],
    fix=f"set a condition on {GITHUB}:sub that starts with repo:ORGANIZATION/.",
    references=["CKV_AWS_393", "NIST 800-53 IA-9"],
)
def github_oidc_claims(role: Resource, _: Parameters) -> Iterator[Violation]:
    """Without it every workflow on GitHub can assume the role."""
    for statement in statements(role, "assumeRolePolicy"):
        federated = any(kind == "Federated" and GITHUB in value for kind, value in statement.principals)
        if not statement.allows or not federated:
            continue
        subjects = [
            value
            for operator, key, values in statement.conditions
            if key.startswith(GITHUB) and key.endswith(":sub") and "not" not in operator.lower()
            for value in values
        ]
        pinned = re.compile(r"repo:[^*?:/]+/|(repository|repository_owner|organization|job_workflow_ref):[^*?:]+")
        if not subjects or not all(pinned.match(value) for value in subjects):
            yield Violation("the token's subject is not pinned to a repository owner.")


@resource_rule(
    id="iam-no-long-lived-users",
    title="No users, no access keys",
    severity="medium",
    level="advisory",
    types=[USER, ACCESS_KEY, USER_ATTACHMENT, USER_POLICY, ATTACHMENT],
    fix="use roles: IAM Identity Center for people, OIDC or Pod Identity for programs.",
    references=["CKV_AWS_273", "CKV_AWS_40", "CKV_AWS_348", "CIS AWS 1.15", "FSBP IAM.2", "FSBP IAM.3"],
)
def no_long_lived_users(resource: Resource, _: Parameters) -> Iterator[Violation]:
    """A key that never ends is found in a repository one day."""
    if resource.type == USER:
        yield Violation("a user is made.", check="CKV_AWS_273")
    elif resource.type == ACCESS_KEY:
        root = resource.get("user") == "root"
        yield Violation("a key is made.", check="CKV_AWS_348" if root else "access-key")
    elif resource.type != ATTACHMENT or resource.all("users"):
        yield Violation("a policy hangs on a user.", check="CKV_AWS_40")
