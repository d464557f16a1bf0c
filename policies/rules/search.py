"""Search domains."""

from __future__ import annotations

from collections.abc import Iterator

from .model import Parameters, Resource, Violation, independently, resource_rule
from .services import missing, setting

DOMAIN = "aws:opensearch/domain:Domain"
HTTPS = ("domainEndpointOptions.enforceHttps", "CKV_AWS_83", True)


@resource_rule(
    id="opensearch-encrypted-tls",
    title="Search is encrypted at rest and on the way",
    severity="high",
    level="mandatory",
    types=[DOMAIN],
    fix="enable encryptAtRest and nodeToNodeEncryption, enforce HTTPS with a TLS 1.2 policy.",
    references=["CKV_AWS_5", "CKV_AWS_6", "CKV_AWS_83", "CKV_AWS_228", "FSBP Opensearch.1", "FSBP Opensearch.3"],
    remedy=setting(HTTPS),
)
def encrypted_tls(domain: Resource, _: Parameters) -> Iterator[Violation]:
    """Logs and documents in a search domain are read by whoever stands on the way."""

    def between() -> Iterator[Violation]:
        several = (domain.number("clusterConfig.instanceCount", 1) or 1) > 1
        if several and not domain.says("nodeToNodeEncryption.enabled"):
            yield Violation("nodeToNodeEncryption is not enabled.", check="CKV_AWS_6")

    def tls() -> Iterator[Violation]:
        policy = str(domain.get("domainEndpointOptions.tlsSecurityPolicy", ""))
        if "TLS-1-2" not in policy and "TLS-1-3" not in policy:
            yield Violation("tlsSecurityPolicy allows TLS below 1.2.", check="CKV_AWS_228")

    https = HTTPS if domain.has("domainEndpointOptions") else (HTTPS[0], "domainEndpointOptions", True)
    yield from independently(missing(domain, [("encryptAtRest.enabled", "CKV_AWS_5", True), https]), between(), tls())


@resource_rule(
    id="opensearch-vpc-fgac",
    title="Search is inside the network and knows who asks",
    severity="high",
    level="advisory",
    types=[DOMAIN],
    fix="set vpcOptions and advancedSecurityOptions.enabled.",
    references=["CKV_AWS_137", "CKV2_AWS_52", "FSBP Opensearch.2", "FSBP Opensearch.7", "NIST 800-53 SC-7"],
)
def vpc_fgac(domain: Resource, _: Parameters) -> Iterator[Violation]:
    """A public domain is found by anyone who scans for it."""
    users = domain.says("advancedSecurityOptions.internalUserDatabaseEnabled")
    check = "enabled" if users else "CKV2_AWS_52"
    needs = [("vpcOptions", "CKV_AWS_137", ...), ("advancedSecurityOptions.enabled", check, True)]
    yield from missing(domain, needs)
