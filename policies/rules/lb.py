"""Load balancers: encrypted, hardened, and inside unless meant otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .model import (
    Entries,
    Parameters,
    Reading,
    Resource,
    Stack,
    Violation,
    any_of,
    independently,
    relation_rule,
    resource_rule,
)

LISTENER = "aws:lb/listener:Listener"
BALANCER = "aws:lb/loadBalancer:LoadBalancer"
CLASSIC = "aws:elb/loadBalancer:LoadBalancer"
SERVICE = "kubernetes:core/v1:Service"
ENCRYPTED, PLAIN = ("HTTPS", "TLS"), ("TCP", "UDP", "TCP_UDP", "QUIC", "TCP_QUIC")
STRONG = (
    "ELBSecurityPolicy-TLS13-1-2",
    "ELBSecurityPolicy-TLS13-1-3",
    "ELBSecurityPolicy-TLS-1-2",
    "ELBSecurityPolicy-FS-1-2",
)
"""Names of policies with TLS 1.2 and newer begin so (AWS Elastic Load Balancing guide)."""
WEAK = (
    "ELBSecurityPolicy-2016-08",
    "ELBSecurityPolicy-2015-05",
    "ELBSecurityPolicy-2015-03",
    "ELBSecurityPolicy-2015-02",
    "ELBSecurityPolicy-2014-10",
    "ELBSecurityPolicy-2014-01",
    "ELBSecurityPolicy-Default",
    "ELBSecurityPolicy-TLS-1-0-2015-04",
    "ELBSecurityPolicy-TLS-1-1-2017-01",
)
"""Policies with TLS 1.0 or with ciphers without forward secrecy alone; the first is what a listener gets by default."""


@relation_rule(
    id="lb-listener-tls",
    title="Listeners encrypt",
    severity="high",
    level="mandatory",
    types=[LISTENER],
    fix="use HTTPS or TLS with a policy of TLS 1.2 or newer; let HTTP only redirect to HTTPS.",
    references=["CKV_AWS_2", "CKV_AWS_103", "CKV2_AWS_20", "CKV2_AWS_74", "FSBP ELB.1", "FSBP ELB.17"],
    parameters={"policies": STRONG, "weak-policies": WEAK},
)
def listener_tls(listener: Resource, _stack: Stack, given: Parameters) -> Iterator[Violation]:
    """Tokens and prompts in clear are read on the way. Gateway balancers pass packets on as they are."""
    balancers = listener.referred("loadBalancerArn", BALANCER)
    if any(balancer.get("loadBalancerType") == "gateway" for balancer in balancers):
        return
    protocol = str(listener.get("protocol", "")).upper()
    if protocol in PLAIN or (not protocol and "/gwy/" in str(listener.get("loadBalancerArn", ""))):
        return
    if protocol in ENCRYPTED:
        policy = str(listener.get("sslPolicy", ""))
        if not policy.startswith(tuple(given["policies"])):
            yield Violation(f"sslPolicy {policy or '(default)'} allows TLS below 1.2.", check="CKV_AWS_103")
        if not policy or policy in given["weak-policies"]:
            yield Violation(f"sslPolicy {policy or '(default)'} has weak ciphers.", check="CKV2_AWS_74")
    elif not any_of(listener.views("defaultActions"), _redirects):
        yield Violation(f"the protocol is {protocol or 'not set'} and nothing is redirected.", check="CKV_AWS_2")
        yield Violation("nothing is encrypted.", check="CKV_AWS_103")
        for balancer in (balancers or [listener]) if protocol == "HTTP" else ():
            yield Violation("HTTP is not redirected to HTTPS.", check="CKV2_AWS_20", resource=balancer)


def _redirects(action: Reading) -> bool:
    return action.get("type") == "redirect" and action.get("redirect.protocol") == "HTTPS"


def _harden(balancer: Resource, given: Parameters) -> Iterator[tuple[str, Any]]:
    if balancer.type == CLASSIC:
        if balancer.get("desyncMitigationMode", "defensive") == "monitor":
            yield "desyncMitigationMode", "defensive"
        return
    if balancer.get("loadBalancerType", "application") == "application":
        if not balancer.says("dropInvalidHeaderFields"):
            yield "dropInvalidHeaderFields", True
        if balancer.get("desyncMitigationMode", "defensive") == "monitor":
            yield "desyncMitigationMode", "defensive"
    if given["protected"] and not balancer.says("enableDeletionProtection"):
        yield "enableDeletionProtection", True


@resource_rule(
    id="lb-hardened",
    title="Load balancers drop what is malformed and log what they see",
    severity="medium",
    level="advisory",
    types=[BALANCER, CLASSIC],
    fix="set dropInvalidHeaderFields, desyncMitigationMode defensive, accessLogs and enableDeletionProtection.",
    references=["CKV_AWS_91", "CKV_AWS_131", "CKV_AWS_150", "CKV_AWS_328", "FSBP ELB.4", "FSBP ELB.5", "FSBP ELB.6"],
    parameters={"protected": True},
    remedy=_harden,
)
def hardened(balancer: Resource, given: Parameters) -> Iterator[Violation]:
    """Requests that the balancer and the program read differently slip past every check."""
    kind = "classic" if balancer.type == CLASSIC else balancer.get("loadBalancerType", "application")

    def logs() -> Iterator[Violation]:
        on = balancer.has("accessLogs") and not balancer.denies("accessLogs.enabled")
        if kind != "gateway" and not (on if kind == "classic" else balancer.says("accessLogs.enabled")):
            yield Violation("accessLogs is not enabled.", check="CKV_AWS_91")

    def headers() -> Iterator[Violation]:
        if kind == "application" and not balancer.says("dropInvalidHeaderFields"):
            yield Violation("dropInvalidHeaderFields is not true.", check="CKV_AWS_131")

    def desync() -> Iterator[Violation]:
        mode = balancer.get("desyncMitigationMode", "defensive")
        if kind in ("application", "classic") and mode not in ("defensive", "strictest"):
            yield Violation(f"desyncMitigationMode is {mode}.", check="CKV_AWS_328")

    def deletion() -> Iterator[Violation]:
        if kind != "classic" and given["protected"] and not balancer.says("enableDeletionProtection"):
            yield Violation("enableDeletionProtection is not true.", check="CKV_AWS_150")

    yield from independently(logs(), headers(), desync(), deletion())


INSIDE = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "networking.gke.io/load-balancer-type": ("internal",),
    "cloud.google.com/load-balancer-type": ("internal",),
}
"""Annotations that make the balancer of a Service internal, of both clouds, with their values in lower case."""


@resource_rule(
    id="lb-internal-by-default",
    title="Nothing is public by accident",
    severity="high",
    level="mandatory",
    types=[BALANCER, SERVICE],
    fix="set internal (scheme internal on a Service), or tag or annotate exposure=public what is meant to be.",
    references=["NIST 800-53 SC-7"],
)
def internal_by_default(subject: Resource, _: Parameters) -> Iterator[Violation]:
    """Load balancers face the internet unless told otherwise, and so does the model behind them."""
    if subject.type == BALANCER:
        if not subject.says("internal") and subject.tag("exposure") != "public":
            yield Violation("the load balancer faces the internet.")
        return
    if subject.get("spec.type") != "LoadBalancer":
        return
    if not any_of(("metadata.annotations", "metadata.labels"), lambda path: _said_of(subject.entries(path))):
        yield Violation("the service's load balancer faces the internet.")


def _said_of(notes: Entries) -> bool:
    """Whether annotations or labels make a balancer internal, or say that it is meant to be public."""

    def fine(key: str) -> bool:
        if key in INSIDE:
            return str(notes[key]).lower() in INSIDE[key]
        return key.rpartition("/")[2] == "exposure" and notes[key] == "public"

    return any_of(notes, fine)
