"""EC2 subnets, flow logs and launch templates: what moto loses.

moto answers from the attributes of its objects, so a lost value is set there and then read back by moto itself.
"""

from __future__ import annotations

from typing import Any

from sandbox.aws.call import Call
from sandbox.aws.gaps import amends, serves
from sandbox.aws.gaps.ec2 import Record, drop_tags, tags_of
from sandbox.aws.wire import ApiError

DNS_OPTIONS = {
    "EnableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecord",
    "EnableResourceNameDnsAAAARecordOnLaunch": "EnableResourceNameDnsAAAARecord",
}


@amends("ec2", "ModifySubnetAttribute")
def modify_subnet(call: Call) -> Record:
    given = call.params
    answer = call.native()
    subnet = call.backend("ec2").get_subnet(given["SubnetId"])
    options = dict(subnet.private_dns_name_options_on_launch)
    options |= {name: given[member]["Value"] for member, name in DNS_OPTIONS.items() if given.get(member)}
    if given.get("PrivateDnsHostnameTypeOnLaunch"):
        options["HostnameType"] = given["PrivateDnsHostnameTypeOnLaunch"]
    subnet.private_dns_name_options_on_launch = options
    if given.get("EnableDns64"):
        subnet.enable_dns64 = given["EnableDns64"]["Value"]
    return answer


@amends("ec2", "CreateFlowLogs")
def create_flow_logs(call: Call) -> Record:
    """Keeps destination options, takes a prefix in an S3 destination, and a log group by ARN."""
    given, ec2 = call.params, call.backend("ec2")
    destination = given.get("LogDestination") or ""
    to_bucket = given.get("LogDestinationType") == "s3"
    if to_bucket and any(
        (log.resource_id, log.log_destination) == (resource, destination)
        for log in ec2.flow_logs.values()
        for resource in given.get("ResourceIds") or []
    ):
        raise ApiError("FlowLogAlreadyExists", "Error. There is an existing Flow Log with the same configuration.")
    # moto takes all behind ":::" for the bucket's name
    answer = call.native(LogDestination=destination.split("/", 1)[0]) if to_bucket else call.native()
    for identity in answer.get("FlowLogIds") or []:
        log = ec2.flow_logs[identity]
        if given.get("DestinationOptions"):
            options = {"FileFormat": "plain-text", "HiveCompatiblePartitions": False, "PerHourPartition": False}
            log.destination_options = {**options, **given["DestinationOptions"]}
        if to_bucket:
            log.log_destination = destination
        elif ":log-group:" in destination:
            log.log_group_name = destination.split(":log-group:", 1)[1].removesuffix(":*")
            _deliver(call, log)
    return answer


def _deliver(call: Call, log: Any) -> None:
    exists = log.log_group_name in call.backend("logs").groups
    log.deliver_logs_status = "SUCCESS" if exists else "FAILED"
    log.deliver_logs_error_message = None if exists else "Access error"


@amends("ec2", "CreateLaunchTemplate")
def create_launch_template(call: Call) -> Record:
    """The tags of the template are its own, and not part of what it launches."""
    answer = call.native()
    template = call.backend("ec2").launch_templates[answer["LaunchTemplate"]["LaunchTemplateId"]]
    data = template.versions[0].data
    given = (call.params.get("LaunchTemplateData") or {}).get("TagSpecifications")
    data.pop("TagSpecifications", None)
    if given:
        data["TagSpecifications"] = given
    return answer


@serves("ec2", "DescribeLaunchTemplates")
def describe_launch_templates(call: Call) -> Record:
    """moto answers fifteen at most and tags as they were at creation."""
    from moto.ec2.utils import generic_filter

    ec2, given = call.backend("ec2"), call.params
    templates = list(ec2.launch_templates.values())
    for member, key, code in (
        ("LaunchTemplateIds", "id", "InvalidLaunchTemplateId.NotFound"),
        ("LaunchTemplateNames", "name", "InvalidLaunchTemplateName.NotFoundException"),
    ):
        wanted = given.get(member) or []
        for missing in set(wanted) - {getattr(template, key) for template in templates}:
            raise ApiError(code, f"The specified launch template, with {key} {missing}, does not exist.")
        templates = [template for template in templates if not wanted or getattr(template, key) in wanted]
    filters = {entry["Name"]: entry.get("Values") or [] for entry in given.get("Filters") or []}
    return {"LaunchTemplates": [_template(call, template) for template in generic_filter(filters, templates)]}


@amends("ec2", "DeleteLaunchTemplate", "CreateLaunchTemplateVersion")
def change_launch_template(call: Call) -> Record:
    identity = call.params.get("LaunchTemplateId")
    if identity and identity not in call.backend("ec2").launch_templates:
        text = f"The launch template ID '{identity}' does not exist."
        raise ApiError("InvalidLaunchTemplateId.NotFound", text)
    answer = call.native()
    if call.target.action == "DeleteLaunchTemplate":
        drop_tags(call, answer["LaunchTemplate"]["LaunchTemplateId"])
    return answer


def _template(call: Call, template: Any) -> Record:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": template.create_time,
        "CreatedBy": f"arn:{call.partition}:iam::{call.account}:root",
        "DefaultVersionNumber": template.default_version_number,
        "LatestVersionNumber": template.latest_version_number,
        "Tags": tags_of(call, template.id),
    }
