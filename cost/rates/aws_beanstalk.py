"""Elastic Beanstalk environments: free by themselves, what their settings make is priced as if it stood alone.

Usage is in parts, as infracost's files have it: `ec2`, `lb` or `elb`, `db`, `cloudwatch`. Defaults are those of the
service: one machine of t3.micro at least, a classic load balancer unless the environment is a single instance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cost.rates.aws_database import database
from cost.rates.aws_edge import classic_load_balancer, load_balancer
from cost.rates.aws_operations import log_group
from cost.rates.machines import Machine, machines, sized
from cost.registry import rate
from cost.subject import Found, Subject
from cost.usage import ResourceUsage

DEFAULT_TYPE = "t3.micro"


@rate("aws:elasticbeanstalk/environment:Environment")
def environment(it: Subject) -> Iterator[Found]:
    settings = {str(entry.get("name")): str(entry.get("value")) for entry in it.entries("settings")}
    yield from _machines(_part(it, "ec2", {}), settings)
    if settings.get("EnvironmentType", "LoadBalanced") != "SingleInstance":
        kind = settings.get("LoadBalancerType", "classic")
        if kind == "classic":
            yield from classic_load_balancer(_part(it, "elb", {}))
        else:
            yield from load_balancer(_part(it, "lb", {"loadBalancerType": kind}))
    if "DBInstanceClass" in settings:
        wanted = {
            "engine": settings.get("DBEngine", "mysql"),
            "instanceClass": settings["DBInstanceClass"],
            "multiAz": settings.get("MultiAZDatabase", "false").lower() == "true",
            "allocatedStorage": settings.get("DBAllocatedStorage"),
        }
        yield from database(_part(it, "db", {key: value for key, value in wanted.items() if value is not None}))
    if settings.get("StreamLogs", "false").lower() == "true":
        yield from log_group(_part(it, "cloudwatch", {}))


def _machines(it: Subject, settings: Mapping[str, str]) -> Iterator[Found]:
    kind = settings.get("InstanceTypes", "").partition(",")[0].strip() or settings.get("InstanceType", DEFAULT_TYPE)
    root = {
        "volumeType": settings.get("RootVolumeType"),
        "volumeSize": settings.get("RootVolumeSize"),
        "iops": settings.get("RootVolumeIOPS"),
    }
    size = sized(it, settings.get("MinSize", "1"), settings.get("MinSize", "1"), settings.get("MaxSize"))
    yield from machines(it, Machine(kind, root={key: value for key, value in root.items() if value}), size)


def _part(it: Subject, name: str, inputs: Mapping[str, Any]) -> Subject:
    """A resource that the environment makes, with its part of the usage."""
    used = it.usage.raw(name)
    usage = ResourceUsage(used if isinstance(used, Mapping) else {}, {}, f"{it.usage.origin}.{name}")
    return replace(it, resource=replace(it.resource, inputs=inputs), usage=usage)
