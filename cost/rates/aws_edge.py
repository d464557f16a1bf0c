"""What stands between users and services: load balancers, DNS, web application firewalls, transfer servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from cost.model import HOURS, Amount
from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, tiered

BILLION = 1_000_000_000
QUERIES = (Tier("first 1B", BILLION), Tier("over 1B", None))
PER_LCU = {"new_connections": 100, "active_connections": 3000, "processed_bytes_gb": 1, "rule_evaluations": 1000}
"""What one capacity unit serves in an hour, as infracost counts the usage keys of its files."""


@rate(
    "aws:lb/loadBalancer:LoadBalancer",
    "aws:alb/loadBalancer:LoadBalancer",
    "aws:elasticloadbalancingv2/loadBalancer:LoadBalancer",
    "aws:applicationloadbalancing/loadBalancer:LoadBalancer",
)
def load_balancer(it: Subject) -> Iterator[Found]:
    kind = it.text("loadBalancerType", "application").lower()
    if kind not in ("application", "network"):
        yield it.gap(f"{kind.title()} load balancer")
        return
    item = f"{kind.title()} load balancer"
    yield it.hours(item, it.aws("aws_lb", item), what="load balancer")
    capacity = "Load balancer capacity units"
    dimensions = dict(PER_LCU)
    if kind == "network":
        dimensions.pop("rule_evaluations")
    given = {key: found for key in dimensions if (found := it.usage.given(key)) is not None}
    if not given:
        yield it.depends(capacity, "new_connections, active_connections or processed_bytes_gb")
        return
    units = [amount.times(1 / Decimal(PER_LCU[key])) for key, amount in given.items()]
    most = Amount(*(max(unit[level] for unit in units) / HOURS for level in range(3)))
    price = it.aws("aws_lb", capacity, load_balancer_type=kind)
    yield from it.metered(capacity, most, price, " or ".join(given), unit="LCU-month")


@rate("aws:elb/loadBalancer:LoadBalancer", "aws:elasticloadbalancing/loadBalancer:LoadBalancer")
def classic_load_balancer(it: Subject) -> Iterator[Found]:
    yield it.hours("Classic load balancer", it.aws("aws_elb", "Classic load balancer"), what="load balancer")
    price = it.aws("aws_elb", "Data processed")
    yield from it.used("Data processed", "monthly_data_processed_gb", price, unit="GB")


@rate(
    "aws:route53/zone:Zone",
    "aws:servicediscovery/privateDnsNamespace:PrivateDnsNamespace",
    "aws:servicediscovery/publicDnsNamespace:PublicDnsNamespace",
)
def zone(it: Subject) -> Iterator[Found]:
    """A namespace of Cloud Map that answers by DNS keeps a hosted zone (aws.amazon.com/cloud-map/pricing).

    Queries are usage of the records; those of the whole zone may be given here instead.
    """
    yield it.fixed("Hosted zone", 1, it.globally("aws_route53_zone", "Hosted zone"), unit="months")
    item, key = "Standard queries", "monthly_queries"
    yield from tiered(it, item, key, "aws_route53_record", QUERIES, per=1_000_000, quiet=True, anywhere=True)


@rate("aws:route53/record:Record")
def record(it: Subject) -> Iterator[Found]:
    """Queries to an alias of an AWS resource are free."""
    if it.entries("aliases"):
        return
    for item, key in (
        ("Standard queries", "monthly_standard_queries"),
        ("Latency based routing queries", "monthly_latency_based_queries"),
        ("Geo DNS queries", "monthly_geo_queries"),
    ):
        quiet = key != "monthly_standard_queries"
        yield from tiered(it, item, key, "aws_route53_record", QUERIES, per=1_000_000, quiet=quiet, anywhere=True)


@rate("aws:route53/healthCheck:HealthCheck")
def health_check(it: Subject) -> Iterator[Found]:
    """Endpoints outside AWS cost more. HTTPS, string matching, latency and fast checks are features of their own."""
    service, kind = "aws_route53_health_check", it.text("type", "HTTP").upper()
    outside = it.usage.text("endpoint_type", "aws").lower().replace("_", "-") == "non-aws"
    where = "non-aws" if outside else "aws"
    yield it.fixed("Health check", 1, it.globally(service, "Health check", endpoint=where), unit="months")
    features = [
        kind.startswith("HTTPS"),
        kind.endswith("STR_MATCH"),
        str(it.value("requestInterval", 30)) == "10",
        it.flag("measureLatency"),
    ]
    if any(features):
        item = "Optional features"
        yield it.fixed(item, sum(features), it.globally(service, item, endpoint=where), unit="months")


@rate("aws:route53/resolverEndpoint:ResolverEndpoint")
def resolver_endpoint(it: Subject) -> Iterator[Found]:
    service, item = "aws_route53_resolver_endpoint", "Resolver endpoints"
    used = it.usage.given("ip_address_count")
    count = Decimal(it.count("ipAddresses") or 0) or (used.base if used else Decimal(1))
    yield it.hours(item, it.aws(service, item), count, what="addresses")
    yield from tiered(it, "DNS queries", "monthly_queries", service, QUERIES, per=1_000_000)


@rate("aws:waf/webAcl:WebAcl", "aws:wafregional/webAcl:WebAcl")
def classic_firewall(it: Subject) -> Iterator[Found]:
    entries = it.entries("rules")
    groups = sum(entry.get("type") == "GROUP" for entry in entries)
    yield from _firewall(it, "aws_waf_web_acl", len(entries) - groups, groups, 0)


@rate("aws:wafv2/webAcl:WebAcl")
def web_firewall(it: Subject) -> Iterator[Found]:
    """Each rule of the list counts as a rule; a group counts as a group, its rules by usage."""
    entries = it.entries("rules")
    groups, managed = _has(entries, "ruleGroupReferenceStatement"), _has(entries, "managedRuleGroupStatement")
    yield from _firewall(it, "aws_wafv2_web_acl", len(entries) - groups - managed, groups, managed)


def _has(entries: list[Mapping[str, Any]], statement: str) -> int:
    return sum(bool((entry.get("statement") or {}).get(statement)) for entry in entries)


def _firewall(it: Subject, service: str, rules: int, groups: int, managed: int) -> Iterator[Found]:
    yield it.fixed("Web ACL usage", 1, it.aws(service, "Web ACL usage"), unit="months")
    count = Decimal(rules)
    for key in ("rule_group_rules", "managed_rule_group_rules"):
        given = it.usage.given(key)
        count += given.base if given else 0
    for item, number in (("Rules", count), ("Rule groups", groups), ("Managed rule groups", managed)):
        if number:
            yield it.fixed(item, number, it.aws(service, item))
    yield from it.used("Requests", "monthly_requests", it.aws(service, "Requests"), per=1_000_000)


@rate("aws:transfer/server:Server")
def transfer_server(it: Subject) -> Iterator[Found]:
    service = "aws_transfer_server"
    for protocol in it.value("protocols") or ["SFTP"]:
        item = f"{protocol} protocol enabled"
        yield it.hours(item, it.aws(service, item), what="protocol")
    for way in ("downloaded", "uploaded"):
        item = f"Data {way}"
        yield from it.used(item, f"monthly_data_{way}_gb", it.aws(service, item), unit="GB")
