"""Google's networks: VPN gateways and tunnels, proxies of load balancers, DNS, interconnects, security, peering."""

from __future__ import annotations

from collections.abc import Iterator

from cost.rates.gcp_machines import GoogleMachine, machines
from cost.rates.machines import Size
from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, split

ANYWHERE = "us-central1"
"""Where the catalog keeps prices that hold in every region."""
TB = 1024
EGRESS = (Tier("first 1TB", TB), Tier("next 9TB", 9 * TB), Tier("over 10TB", None))
EXTERNAL = {
    "worldwide": "worldwide excluding China, Australia but including Hong Kong",
    "china": "China excluding Hong Kong",
    "australia": "Australia",
}
PLACES = {
    "same_region": "within the same region",
    "us_or_canada": "within the US or Canada",
    "europe": "within Europe",
    "asia": "within Asia",
    "south_america": "within South America",
    "oceania": "to/from Indonesia and Oceania",
    "worldwide": "between continents (excludes Oceania)",
}
KEY = "monthly_egress_data_transfer_gb"


def tiered_egress(it: Subject, service: str, text: str, place: str) -> Iterator[Found]:
    """Traffic to one place of the world in bands of terabytes."""
    key = f"{KEY}.{place}"
    amount = it.usage.given(key)
    if amount is None:
        return
    for tier, part in zip(EGRESS, split(amount, EGRESS), strict=True):
        item = f"{text} ({tier.label})"
        yield from it.metered(item, part, it.gcp(service, item, ANYWHERE), key, unit="GB")


@rate("gcp:compute/externalVpnGateway:ExternalVpnGateway")
def external_gateway(it: Subject) -> Iterator[Found]:
    if it.usage.raw(KEY) is None:
        yield it.depends("IPSec traffic", f"{KEY}.worldwide")
    for place, text in EXTERNAL.items():
        yield from tiered_egress(it, "google_compute_external_vpn_gateway", f"IPSec traffic to {text}", place)


@rate("gcp:compute/vPNGateway:VPNGateway", "gcp:compute/haVpnGateway:HaVpnGateway")
def gateway(it: Subject) -> Iterator[Found]:
    """A gateway is free and traffic counts by where it goes. Tunnels that the plan has not may be given by number."""
    tunnels = it.usage.given("tunnel_count")
    if tunnels is not None:
        price = it.gcp("google_compute_vpn_tunnel", "VPN Tunnel")
        yield it.hours("VPN Tunnel", price, tunnels.base, what="tunnels")
    yield from _between(it, "IPSec traffic")


@rate("gcp:vpcaccess/connector:Connector")
def serverless_connector(it: Subject) -> Iterator[Found]:
    """Machines, two at least, billed as those of Compute Engine (cloud.google.com/vpc/pricing)."""
    least = it.amount("minInstances", 2)
    size = Size(least, least, max(least, it.amount("maxInstances", least)))
    yield from machines(it, GoogleMachine(it.text("machineType", "e2-micro")), size)


@rate("gcp:servicenetworking/connection:Connection")
def peering(it: Subject) -> Iterator[Found]:
    yield from _between(it, "Traffic")


def _between(it: Subject, word: str) -> Iterator[Found]:
    if it.usage.raw(KEY) is None:
        yield it.depends(word, f"{KEY}.same_region")
    for place, text in PLACES.items():
        price = it.gcp("google_compute_vpn_gateway", f"IPSec traffic {text}", ANYWHERE)
        yield from it.used(f"{word} {text}", f"{KEY}.{place}", price, unit="GB", quiet=True)


@rate("gcp:compute/vPNTunnel:VPNTunnel")
def tunnel(it: Subject) -> Iterator[Found]:
    yield it.hours("VPN tunnel", it.gcp("vpn", "tunnel"), what="tunnel")


@rate(
    "gcp:compute/targetGrpcProxy:TargetGrpcProxy",
    "gcp:compute/targetHttpProxy:TargetHttpProxy",
    "gcp:compute/targetHttpsProxy:TargetHttpsProxy",
    "gcp:compute/targetSSLProxy:TargetSSLProxy",
    "gcp:compute/targetTCPProxy:TargetTCPProxy",
    "gcp:compute/regionTargetHttpProxy:RegionTargetHttpProxy",
    "gcp:compute/regionTargetHttpsProxy:RegionTargetHttpsProxy",
)
def proxy(it: Subject) -> Iterator[Found]:
    """Instances of regional and internal proxies, by usage; a global one has none."""
    service = "google_compute_target_http_proxy"
    price = it.gcp(service, "Proxy instance")
    yield from it.used("Proxy instance", "monthly_proxy_instances", price, times=730, unit="hours")
    price = it.gcp(service, "Data processed")
    yield from it.used("Data processed", "monthly_data_processed_gb", price, unit="GB", quiet=True)


@rate("gcp:dns/managedZone:ManagedZone")
def zone(it: Subject) -> Iterator[Found]:
    price = it.gcp("google_dns_managed_zone", "Managed zone", ANYWHERE)
    yield it.fixed("Managed zone", 1, price, unit="months")
    queries = it.gcp("google_dns_record_set", "Queries", ANYWHERE)
    yield from it.used("Queries", "monthly_queries", queries, per=1_000_000, quiet=True)


@rate("gcp:dns/recordSet:RecordSet")
def record(it: Subject) -> Iterator[Found]:
    price = it.gcp("google_dns_record_set", "Queries", ANYWHERE)
    yield from it.used("Queries", "monthly_queries", price, per=1_000_000)


@rate("gcp:compute/interconnectAttachment:InterconnectAttachment")
def interconnect(it: Subject) -> Iterator[Found]:
    item = f"VLAN attachment ({it.text('bandwidth', 'BPS_1G')})"
    yield it.hours(item, it.gcp("google_compute_interconnect_attachment", item, ANYWHERE), what="attachment")


@rate("gcp:compute/securityPolicy:SecurityPolicy", "gcp:compute/regionSecurityPolicy:RegionSecurityPolicy")
def security_policy(it: Subject) -> Iterator[Found]:
    """Every policy has a default rule; each rule costs as much."""
    service, rules = "google_compute_security_policy_advanced", len(it.entries("rules"))
    yield it.fixed("Security policy", 1, it.gcp(service, "Security policy", ANYWHERE), unit="months")
    if rules:
        yield it.fixed("Rules", rules, it.gcp(service, "Rules", ANYWHERE), unit="months")


@rate("gcp:cloudids/endpoint:Endpoint")
def intrusion_detection(it: Subject) -> Iterator[Found]:
    service, item = "google_cloud_ids_endpoint", "IDS endpoint"
    yield it.hours(item, it.gcp(service, item, ANYWHERE), what="endpoint")
    price = it.gcp(service, "Traffic inspected", ANYWHERE)
    yield from it.used("Traffic inspected", "monthly_inspected_gb", price, unit="GB")
