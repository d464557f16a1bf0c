"""Names of headless services in hosts files."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from sandbox.node.names import Names, own_lines


def endpoint_slice(
    service: str, *endpoints: tuple[str, str, bool], namespace: str = "team", name: str = ""
) -> dict[str, Any]:
    """A slice with endpoints (host name, address, ready)."""
    return {
        "metadata": {
            "namespace": namespace,
            "name": name or service,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": [address], "conditions": {"ready": ready}} | ({"hostname": host} if host else {})
            for host, address, ready in endpoints
        ],
    }


def lookup(text: str, name: str) -> list[str]:
    """Addresses of a name in a hosts file, as the C library finds them."""
    return [line.split()[0] for line in text.splitlines() if name in line.split()[1:]]


def test_a_rank_is_found_by_the_names_that_cluster_dns_would_answer() -> None:
    names = Names()
    names.replace([endpoint_slice("ring", ("job-0", "100.64.0.2", True), ("job-1", "100.64.0.3", True))])
    text = names.text("team", [])
    for name in ("job-0.ring", "job-0.ring.team", "job-0.ring.team.svc", "job-0.ring.team.svc.cluster.local"):
        assert lookup(text, name) == ["100.64.0.2"]
    assert lookup(text, "ring") == ["100.64.0.2", "100.64.0.3"]
    assert lookup(text, "job-0") == []


def test_another_namespace_needs_the_longer_name() -> None:
    names = Names()
    names.replace([endpoint_slice("ring", ("job-0", "100.64.0.2", True))])
    text = names.text("other", [])
    assert lookup(text, "job-0.ring") == []
    assert lookup(text, "job-0.ring.team") == ["100.64.0.2"]


def test_an_endpoint_that_is_not_ready_has_no_name() -> None:
    names = Names()
    names.replace([endpoint_slice("ring", ("job-0", "100.64.0.2", False))])
    assert lookup(names.text("team", []), "job-0.ring") == []


def test_a_pod_that_shares_the_machines_network_is_at_loopback() -> None:
    names = Names()
    names.replace([endpoint_slice("ring", ("job-0", "100.65.0.2", True))])
    assert lookup(names.text("team", []), "job-0.ring") == ["127.0.0.1"]


def test_files_follow_the_endpoints_and_stay_the_same_file(tmp_path: Path) -> None:
    names, path = Names(), tmp_path / "hosts"
    names.add_file(path, "team", ["127.0.0.1 localhost"])
    inode = path.stat().st_ino
    names.update("ADDED", endpoint_slice("ring", ("job-0", "100.64.0.2", True), ("job-1", "100.64.0.3", True)))
    assert lookup(path.read_text(), "job-1.ring") == ["100.64.0.3"]
    names.update("MODIFIED", endpoint_slice("ring", ("job-0", "100.64.0.9", True)))
    assert lookup(path.read_text(), "job-0.ring") == ["100.64.0.9"]
    assert lookup(path.read_text(), "job-1.ring") == []
    names.update("DELETED", endpoint_slice("ring"))
    assert path.read_text() == "127.0.0.1 localhost\n"
    assert path.stat().st_ino == inode, "containers have this very file mounted"
    names.remove_file(path)
    names.update("ADDED", endpoint_slice("ring", ("job-0", "100.64.0.2", True)))
    assert path.read_text() == "127.0.0.1 localhost\n"


def test_a_pod_knows_its_own_names_the_api_server_and_its_aliases() -> None:
    aliases = [{"ip": "10.1.2.3", "hostnames": ["db", "db.internal"]}]
    pod = {"metadata": {"namespace": "team"}, "spec": {"subdomain": "ring", "hostAliases": aliases}}
    text = "\n".join(own_lines(pod, "job-0", IPv4Address("100.64.0.2"), "10.96.0.1"))
    assert lookup(text, "job-0") == ["100.64.0.2"]
    assert lookup(text, "job-0.ring.team.svc.cluster.local") == ["100.64.0.2"]
    assert lookup(text, "kubernetes.default.svc") == ["10.96.0.1"]
    assert lookup(text, "db.internal") == ["10.1.2.3"]
    assert lookup(text, "localhost") == ["127.0.0.1", "::1"]
