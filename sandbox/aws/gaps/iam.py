"""IAM: trust policies that moto takes although they are none, and policies it deletes although they are attached."""

from __future__ import annotations

import json
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.wire import ApiError

MEMBERS = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}


@amends("iam", *MEMBERS)
def check_trust(call: Call) -> dict[str, Any]:
    problem = trust_problem(call.params[MEMBERS[call.target.action]])
    if problem:
        raise ApiError("MalformedPolicyDocument", problem)
    return call.native()


@amends("iam", "DeletePolicy")
def delete_policy(call: Call) -> dict[str, Any]:
    policy = call.backend("iam").managed_policies.get(call.params["PolicyArn"])
    if policy is not None and policy.attachment_count:
        raise ApiError("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    if policy is not None and len(policy.versions) > 1:
        raise ApiError("DeleteConflict", "This policy has more than one version. Delete its other versions first.", 409)
    return call.native()


def trust_problem(text: str) -> str | None:
    """Why a document is no trust policy; None when it is one."""
    try:
        document = json.loads(text)
    except ValueError:
        return "This policy contains invalid Json"
    if not isinstance(document, dict) or "Statement" not in document:
        return "Missing required field Statement"
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    for statement in statements:
        missing = [
            name
            for name in ("Effect", "Action", "Principal")
            if name not in statement and f"Not{name}" not in statement
        ]
        if missing:
            return f"Missing required field {missing[0]}"
        if "Resource" in statement:
            return "Has prohibited field Resource"
    return None
