"""What is written down: trails, detectors, logs, alarms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model import Parameters, Resource, Stack, Violation, any_of, independently, relation_rule, resource_rule
from .services import judged, missing, setting

TRAIL = "aws:cloudtrail/trail:Trail"
DETECTOR = "aws:guardduty/detector:Detector"
FEATURE = "aws:guardduty/detectorFeature:DetectorFeature"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
CLUSTER = "aws:eks/cluster:Cluster"
FLAGS = (("enableLogFileValidation", "CKV_AWS_36", True), ("isMultiRegionTrail", "CKV_AWS_67", True))


def _trail_flags(trail: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    yield from setting(*FLAGS)(trail, given)
    if trail.denies("enableLogging"):
        yield "enableLogging", True


@resource_rule(
    id="cloudtrail-complete",
    title="The audit trail is complete and cannot be forged",
    severity="high",
    level="mandatory",
    types=[TRAIL],
    fix="set isMultiRegionTrail and enableLogFileValidation to true, and kmsKeyId to a key of your own.",
    references=["CKV_AWS_35", "CKV_AWS_36", "CKV_AWS_67", "CKV_AWS_251", "CIS AWS 3.1", "CIS AWS 3.2", "CIS AWS 3.5"],
    remedy=_trail_flags,
)
def cloudtrail_complete(trail: Resource, _: Parameters) -> Iterator[Violation]:
    """An intruder starts machines in the region that nobody watches."""
    yield from independently(
        missing(trail, [("kmsKeyId", "CKV_AWS_35", ...), *FLAGS]),
        judged((lambda: trail.denies("enableLogging"), Violation("enableLogging is false.", check="CKV_AWS_251"))),
    )


def _detect(detector: Resource, _: Parameters) -> Iterator[tuple[str, Any]]:
    if detector.denies("enable"):
        yield "enable", True


@resource_rule(
    id="guardduty-enabled",
    title="Detectors detect",
    severity="high",
    level="mandatory",
    types=[DETECTOR],
    fix="set enable to true.",
    references=["CKV_AWS_238", "FSBP GuardDuty.1", "NIST 800-53 SI-4"],
    remedy=_detect,
)
def guardduty_enabled(detector: Resource, _: Parameters) -> Iterator[Violation]:
    """Accelerators are what miners of coins look for."""
    if detector.denies("enable"):
        yield Violation("enable is false.", check="CKV_AWS_238")


@relation_rule(
    id="guardduty-eks-features",
    title="Clusters are watched",
    severity="medium",
    level="advisory",
    types=[DETECTOR],
    fix="add an aws.guardduty.DetectorFeature with status ENABLED for each.",
    references=["FSBP GuardDuty.5", "FSBP GuardDuty.7", "NIST 800-53 SI-4"],
    parameters={"features": ("EKS_AUDIT_LOGS", "RUNTIME_MONITORING")},
)
def guardduty_eks_features(detector: Resource, stack: Stack, given: Parameters) -> Iterator[Violation]:
    """A detector without these features sees nothing of what happens in a cluster."""
    if not stack.of(CLUSTER):
        return
    features = stack.belonging(detector, "detectorId", FEATURE)
    enabled = {feature.get("name") for feature in features if feature.get("status") == "ENABLED"}
    if absent := [name for name in given["features"] if name not in enabled]:
        yield Violation(f"{', '.join(absent)} is not enabled.")


def _retain(group: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if any(True for _ in _retention(group, given)):
        yield "retentionInDays", given["min-days"]


@resource_rule(
    id="loggroup-retention",
    title="Logs are kept long enough, and not for ever",
    severity="medium",
    level="advisory",
    types=[LOG_GROUP],
    fix="set retentionInDays between the parameters min-days and max-days.",
    references=["CKV_AWS_66", "CKV_AWS_338", "FSBP CloudWatch.16", "NIST 800-53 AU-11"],
    parameters={"min-days": 365, "max-days": 3653},
    remedy=_retain,
)
def loggroup_retention(group: Resource, given: Parameters) -> Iterator[Violation]:
    """An incident is often found after months; a log that is never deleted is paid for every month."""
    yield from _retention(group, given)


def _retention(group: Resource, given: Parameters) -> Iterator[Violation]:
    days = group.number("retentionInDays")
    if days is None:
        yield Violation("retentionInDays is not set: the logs are kept for ever.", check="CKV_AWS_66")
        yield Violation("retentionInDays is not set.", check="CKV_AWS_338")
    elif days == 0:
        yield Violation("the logs are kept for ever.", check="maximum")
    elif days < given["min-days"]:
        yield Violation(f"{days:g} days are less than {given['min-days']:g}.", check="CKV_AWS_338")
    elif days > given["max-days"]:
        yield Violation(f"{days:g} days are more than {given['max-days']:g}.", check="maximum")


@resource_rule(
    id="loggroup-kms",
    title="Logs are encrypted with a customer key",
    severity="low",
    level="advisory",
    types=[LOG_GROUP],
    fix="set kmsKeyId to a key of your own.",
    references=["CKV_AWS_158", "NIST 800-53 AU-9"],
)
def loggroup_kms(group: Resource, _: Parameters) -> Iterator[Violation]:
    """Logs hold names, paths and sometimes tokens."""
    yield from missing(group, [("kmsKeyId", "CKV_AWS_158", ...)])


@resource_rule(
    id="alarm-actions-enabled",
    title="Alarms reach somebody",
    severity="low",
    level="advisory",
    types=[ALARM],
    fix="set actionsEnabled to true and alarmActions to a topic.",
    references=["CKV_AWS_319", "FSBP CloudWatch.15", "FSBP CloudWatch.17", "NIST 800-53 SI-4"],
)
def alarm_actions(alarm: Resource, _: Parameters) -> Iterator[Violation]:
    """An alarm that nobody hears is none."""
    actions = ("alarmActions", "okActions", "insufficientDataActions")
    yield from judged(
        (lambda: alarm.denies("actionsEnabled"), Violation("actionsEnabled is false.", check="CKV_AWS_319")),
        (lambda: not any_of(actions, alarm.has_items), Violation("it has no action.", check="actions")),
    )
