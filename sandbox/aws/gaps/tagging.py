"""Resource Groups Tagging: the resources that moto's search by tag leaves out.

moto searches what it knows; this adds EKS, ECR repositories, what hangs on EC2 by id alone, and FSx associations, so
that one call finds everything with a tag. IAM is left out, as AWS's search leaves it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends
from sandbox.aws.gaps.ec2.capacity import Reservations
from sandbox.aws.gaps.ec2.placement_groups import PlacementGroups
from sandbox.aws.gaps.eks import Clusters
from sandbox.aws.gaps.eks.tags import tagged
from sandbox.aws.gaps.fsx import Fsx

Resource = tuple[str, str, dict[str, str]]
"""(ARN, resource type, tags)"""

EC2_TYPES = {
    "eipalloc": "elastic-ip",
    "lt": "launch-template",
    "vpce": "vpc-endpoint",
    "sgr": "security-group-rule",
}
"""Resource types by the prefix of their ids, of what moto leaves out of EC2."""


@amends("resourcegroupstaggingapi", "GetResources")
def get_resources(call: Call) -> dict[str, Any]:
    answer = call.native()
    for entry in answer.get("ResourceTagMappingList") or []:
        entry["ResourceARN"] = entry["ResourceARN"].replace(":flow-logs/", ":vpc-flow-log/")
    if not answer.get("PaginationToken"):
        found = [resource for resource in _resources(call) if _wanted(call, resource)]
        answer.setdefault("ResourceTagMappingList", []).extend(
            {"ResourceARN": arn, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
            for arn, _, tags in found
        )
    return answer


def _resources(call: Call) -> Iterator[Resource]:
    for arn, kind, tags in tagged(call.store(Clusters)):
        yield arn, f"eks:{kind}", tags
    all_tags = call.backend("ec2").tags
    for identity, tags in all_tags.items():
        kind = EC2_TYPES.get(identity.split("-", 1)[0])
        if kind:
            yield call.arn(f"{kind}/{identity}", "ec2"), f"ec2:{kind}", tags
    for record in call.store(PlacementGroups).by_name.values():
        yield record["GroupArn"], "ec2:placement-group", all_tags.get(record["GroupId"], {})
    for identity, record in call.store(Reservations).by_id.items():
        yield record["CapacityReservationArn"], "ec2:capacity-reservation", all_tags.get(identity, {})
    ecr, fsx = call.backend("ecr"), call.backend("fsx")
    for repository in ecr.repositories.values():
        yield repository.arn, "ecr:repository", ecr.tagger.get_tag_dict_for_resource(repository.arn)
    for record in call.store(Fsx).associations.values():
        arn = record["ResourceARN"]
        yield arn, "fsx:association", fsx.tagger.get_tag_dict_for_resource(arn)


def _wanted(call: Call, resource: Resource) -> bool:
    from moto.core.resource_tagging import make_tag_matcher, match_resource_type

    arn, kind, tags = resource
    given = call.params
    return bool(
        tags
        and make_tag_matcher(given.get("TagFilters"))(tags)
        and match_resource_type(kind, given.get("ResourceTypeFilters"))
        and (not given.get("ResourceARNList") or arn in given["ResourceARNList"])
    )
