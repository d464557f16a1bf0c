"""What serves users: API Gateway, AppSync, CloudFront, Global Accelerator's traffic, Cognito, App Runner, Amplify."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from cost.meters import MILLION, Meter, beyond, metered
from cost.model import Amount
from cost.registry import rate
from cost.subject import Found, Subject
from cost.tiers import Tier, split, tiered
from cost.tiers import metered as by_tier

REST = (
    Tier("first 333M", 333 * MILLION),
    Tier("next 667M", 667 * MILLION),
    Tier("next 19B", 19_000 * MILLION),
    Tier("over 20B", None),
)
HTTP = (Tier("first 300M", 300 * MILLION), Tier("over 300M", None))
MESSAGES = (Tier("first 1B", 1000 * MILLION), Tier("over 1B", None))
HTTP_KB, MESSAGE_KB = 512, 32
"""A request or a message counts once for each of these begun (API Gateway pricing)."""
TB = 1024
OUT = (
    Tier("first 10TB", 10 * TB),
    Tier("next 40TB", 40 * TB),
    Tier("next 100TB", 100 * TB),
    Tier("next 350TB", 350 * TB),
    Tier("next 524TB", 524 * TB),
    Tier("next 4PB", 4096 * TB),
    Tier("over 5PB", None),
)
PLACES = ("us", "europe", "south_africa", "south_america", "japan", "australia", "asia_pacific", "india")
EDGES = ("us", "europe", "south_africa", "south_america", "south_korea", "middle_east", "australia", "asia_pacific",
         "india")  # fmt: skip
ENDPOINTS = {"us": "north_america", "ca": "north_america", "mx": "north_america", "eu": "europe"}
"""Groups of regions that the price of the premium tells apart, as far as the catalog has them."""
FREE_PATHS = 1000
FREE_USERS = 10_000


@rate("aws:apigateway/restApi:RestApi")
def rest_api(it: Subject) -> Iterator[Found]:
    yield from tiered(it, "Requests", "monthly_requests", "aws_api_gateway_rest_api", REST, per=MILLION)


@rate("aws:apigateway/stage:Stage")
def stage(it: Subject) -> Iterator[Found]:
    if it.has("cacheClusterSize") or it.flag("cacheClusterEnabled"):
        item = f"Cache memory ({it.text('cacheClusterSize', '0.5')} GB)"
        yield it.hours(item, it.aws("aws_api_gateway_stage", item), what="cache")


@rate("aws:apigatewayv2/api:Api")
def http_api(it: Subject) -> Iterator[Found]:
    service = "aws_apigatewayv2_api"
    if it.text("protocolType").upper() == "WEBSOCKET":
        yield from _counted(it, "Messages", "monthly_messages", "message_size_kb", MESSAGE_KB, MESSAGES)
        item = "Connection duration"
        yield from it.used(item, "monthly_connection_mins", it.aws(service, item), per=MILLION)
    else:
        yield from _counted(it, "Requests", "monthly_requests", "request_size_kb", HTTP_KB, HTTP)


def _counted(it: Subject, item: str, key: str, size: str, step: int, tiers: tuple[Tier, ...]) -> Iterator[Found]:
    amount, _ = it.usage.get(key)
    each = it.usage.given(size)
    if amount is None:
        yield it.depends(item, key)
        return
    times = (each.base / step).to_integral_value(ROUND_CEILING) if each else Decimal(1)
    yield from by_tier(it, item, amount.times(max(times, Decimal(1))), key, "aws_apigatewayv2_api", tiers, per=MILLION)


@rate("aws:appsync/graphQLApi:GraphQLApi")
def graphql(it: Subject) -> Iterator[Found]:
    service = "aws_appsync_graphql_api"
    yield from metered(
        it,
        lambda item: it.aws(service, item),
        Meter("Queries", "monthly_queries", MILLION, asked=True),
        Meter("Real-time updates", "monthly_realtime_updates", MILLION),
    )


@rate("aws:cloudfront/distribution:Distribution")
def distribution(it: Subject) -> Iterator[Found]:
    """A global service: its prices stand under us-east-1, by the place that is served."""
    service = "aws_cloudfront_distribution"
    for place in PLACES:
        yield from _served(it, place)
    if not isinstance(it.usage.raw("monthly_data_transfer_to_internet_gb"), dict):
        yield it.depends("Data transfer out to internet", "monthly_data_transfer_to_internet_gb.us")
    yield from _shield(it)
    if it.text("viewerCertificate.sslSupportMethod") == "vip" and it.usage.given("custom_ssl_certificates") is None:
        item = "Dedicated IP custom SSLs"
        yield it.fixed(item, 1, it.globally(service, item), unit="certificates")
    for item, key, per in (
        ("Field level encryption requests", "monthly_encryption_requests", 10_000),
        ("Real-time log requests", "monthly_log_lines", MILLION),
        ("Dedicated IP custom SSLs", "custom_ssl_certificates", 1),
    ):
        yield from it.used(item, key, it.globally(service, item), per=per, quiet=True)
    paths = it.usage.given("monthly_invalidation_requests")
    if paths is not None:
        item = "Invalidation requests (over 1k)"
        paid = Amount(*(max(value - FREE_PATHS, Decimal(0)) for value in paths))
        yield from it.metered(item, paid, it.globally(service, item), "monthly_invalidation_requests")


def _served(it: Subject, place: str) -> Iterator[Found]:
    service, key = "aws_cloudfront_distribution", f"monthly_data_transfer_to_internet_gb.{place}"
    out = it.usage.given(key)
    if out is not None:
        for tier, part in zip(OUT, split(out, OUT), strict=True):
            item = f"Data transfer out to internet ({tier.label})"
            yield from it.metered(f"{place} > {item}", part, it.globally(service, item, place=place), key)
    for item, name, per in (
        ("Data transfer out to origin", "monthly_data_transfer_to_origin_gb", 1),
        ("HTTP requests", "monthly_http_requests", 10_000),
        ("HTTPS requests", "monthly_https_requests", 10_000),
    ):
        price = it.globally(service, item, place=place)
        yield from it.used(f"{place} > {item}", f"{name}.{place}", price, per=per, quiet=True)


def _shield(it: Subject) -> Iterator[Found]:
    """Requests to an origin shield: the catalog has no price of them worth the name."""
    given = it.usage.raw("monthly_shield_requests")
    if isinstance(given, dict):
        for place in sorted(given):
            if any(it.usage.given(f"monthly_shield_requests.{place}") or ()):
                yield it.gap(f"Origin shield HTTP requests ({place})", "the catalog has no price of them")


@rate("aws:cloudfront/function:Function")
def edge_function(it: Subject) -> Iterator[Found]:
    item = "Total number of invocations"
    yield from it.used(item, "monthly_requests", it.globally("aws_cloudfront_function", item), per=MILLION)


@rate("aws:globalaccelerator/endpointGroup:EndpointGroup")
def endpoint_group(it: Subject) -> Iterator[Found]:
    """A premium by both ends of each flow, in the direction that carries more (Global Accelerator pricing)."""
    region = it.text("endpointGroupRegion") or it.region or ""
    endpoint = ENDPOINTS.get(region.partition("-")[0], region)
    volumes = {way: _flows(it, f"monthly_{way}_data_transfer_gb") for way in ("inbound", "outbound")}
    if not any(volumes.values()):
        yield it.depends("DT-premium fee", "monthly_inbound_data_transfer_gb.us")
        return
    way = max(volumes, key=lambda name: sum(amount.base for amount in volumes[name].values()))
    for edge, amount in volumes[way].items():
        service, item = "aws_globalaccelerator_endpoint_group", "DT-premium fee"
        price = it.globally(service, item, endpoint=endpoint, edge=edge)
        key = f"monthly_{way}_data_transfer_gb.{edge}"
        yield from it.metered(f"{edge} > {way.title()} {item}", amount, price, key, unit="GB")


def _flows(it: Subject, key: str) -> dict[str, Amount]:
    """GB by where users are."""
    given = {edge: it.usage.given(f"{key}.{edge}") for edge in EDGES}
    return {edge: amount for edge, amount in given.items() if amount is not None}


@rate("aws:cognito/userPool:UserPool")
def user_pool(it: Subject) -> Iterator[Found]:
    item = "Monthly active users (above 10k)"
    yield from beyond(it, item, "monthly_active_users", FREE_USERS, it.aws("aws_cognito_user_pool", item))


@rate("aws:apprunner/service:Service")
def app_runner(it: Subject) -> Iterator[Found]:
    """Memory of one instance all month; what is active pays its vCPUs."""
    text = it.text("instanceConfiguration.memory", "2048").lower().removesuffix(" gb")
    memory = Decimal(text) if Decimal(text) < TB / 2 else Decimal(text) / TB
    item = "Provisioned memory"
    yield it.fixed(item, memory * 730, it.aws("aws_apprunner_service", item), unit="GB-hours")
    yield from it.used("Active vCPU", "monthly_active_vcpu_hours", None)


@rate("aws:amplify/app:App")
def amplify(it: Subject) -> Iterator[Found]:
    yield from metered(
        it,
        lambda item: it.aws("aws_amplify_app", item),
        Meter("Build minutes", "monthly_build_minutes", asked=True),
        Meter("Hosted storage", "monthly_storage_gb", asked=True),
        Meter("Data transfer out", "monthly_data_transfer_gb", asked=True),
    )
