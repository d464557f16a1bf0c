"""A Kubernetes namespace that starts closed: pod security enforced, no traffic unless a policy allows it.

Holds the namespace, the default-deny network policy and one that lets pods of the namespace talk to each other and ask
for names. What else pods may reach is added by whoever runs them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pulumi
from pulumi_kubernetes.core.v1 import Namespace as KubernetesNamespace
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from components import tags
from components.site import Site

DNS_PORT, API_PORT = 53, 443


class Namespace(pulumi.ComponentResource):
    """A closed namespace. Whoever uses its `name` waits for it."""

    name: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        namespace: str,
        *,
        site: Site,
        part: str,
        pod_security: Literal["restricted", "baseline", "privileged"] = "restricted",
        egress: Sequence[Mapping[str, Any]] = (),
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`egress`: what else pods may reach, as rules of a network policy. `after`: what must be there before and must
        outlive the namespace: nodes that end its pods in an orderly way."""
        super().__init__("aidc:namespace:Namespace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        labels = tags.labels(site, part)
        made = KubernetesNamespace(
            f"{name}-namespace",
            metadata={
                "name": namespace,
                "labels": {
                    **labels,
                    "pod-security.kubernetes.io/enforce": pod_security,
                    "pod-security.kubernetes.io/warn": "restricted",
                },
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.name = made.metadata.name
        NetworkPolicy(
            f"{name}-deny",
            metadata={"name": "default-deny", "namespace": self.name, "labels": labels},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=child,
        )
        NetworkPolicy(
            f"{name}-inside",
            metadata={"name": "inside", "namespace": self.name, "labels": labels},
            spec=_inside(site, egress),
            opts=child,
        )
        self.register_outputs({"name": self.name})


def to_api(cidrs: Sequence[str]) -> dict[str, Any]:
    """The rule for pods that must reach the Kubernetes API. `cidrs`: where it may be."""
    return {
        "to": [{"ipBlock": {"cidr": cidr}} for cidr in cidrs],
        "ports": [{"protocol": "TCP", "port": API_PORT}],
    }


def _inside(site: Site, further: Sequence[Mapping[str, Any]]) -> Any:
    """Pods of the namespace among themselves, names from the cluster's DNS, and what they need beyond."""
    siblings = {"podSelector": {}}
    names = [{"protocol": protocol, "port": DNS_PORT} for protocol in ("UDP", "TCP")]
    return {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [siblings]}],
        "egress": [{"to": [siblings]}, {"to": list(site.dns), "ports": names}, *further],
    }
