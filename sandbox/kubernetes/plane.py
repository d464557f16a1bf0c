"""The control plane as processes: the flags of etcd, API server, controller manager, scheduler and kwok.

Pure functions of the settings: nothing is started here (sandbox/supervisor.py does) and no file is written but the
kwok configuration (stages.py). Everything listens on loopback only. What differs from a default cluster, and why:
no leader election (there is one of each), no fsync in etcd (its data is deleted at `down`; only a power loss could
hurt it), long node grace (simulated nodes send a heartbeat every two minutes, see stages.yaml).
"""

from __future__ import annotations

from sandbox.kubernetes import stages
from sandbox.kubernetes.pki import SERVICE_NETWORK
from sandbox.settings import Settings

LOOPBACK = "127.0.0.1"
COMPONENTS = ("etcd", "apiserver", "controller-manager", "scheduler", "kwok")
"""In the order of their start."""
TOKEN_CACHE = "1s"  # noqa: S105 - a duration
"""How long the API server keeps the answer of a token review. It keeps accepted tokens for ten seconds besides, which
no flag changes: a new access entry works at once, a removed one is noticed within that time."""
NODE_GRACE = "600s"
"""How long a node may be silent. Longer than the heartbeat of simulated nodes (up to 150 s) by a margin for a
machine that was asleep."""
CLIENT_RATE = ("--kube-api-qps=500", "--kube-api-burst=1000")
"""The default 50 a second makes a job of a hundred pods wait for its own controller."""


def flags(component: str, settings: Settings) -> list[str]:
    """Flags of one of COMPONENTS. KeyError for another name."""
    return {
        "etcd": _etcd,
        "apiserver": _apiserver,
        "controller-manager": _controller_manager,
        "scheduler": _scheduler,
        "kwok": _kwok,
    }[component](settings)


def _etcd(settings: Settings) -> list[str]:
    client = f"http://{LOOPBACK}:{settings.ports['etcd']}"
    peer = f"http://{LOOPBACK}:{settings.ports['etcd-peer']}"
    return [
        "--name=sandbox",
        f"--data-dir={settings.state / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=sandbox={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(settings: Settings) -> list[str]:
    pki = settings.pki
    return [
        f"--etcd-servers=http://{LOOPBACK}:{settings.ports['etcd']}",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={settings.ports['apiserver']}",
        # Else it complains that a loopback address cannot be the endpoint of the `kubernetes` service.
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        f"--tls-cert-file={pki / 'apiserver.crt'}",
        f"--tls-private-key-file={pki / 'apiserver.key'}",
        f"--client-ca-file={pki / 'ca.crt'}",
        f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--service-account-issuer={settings.kubernetes_url}",
        f"--service-account-key-file={pki / 'sa.pub'}",
        f"--service-account-signing-key-file={pki / 'sa.key'}",
        "--authorization-mode=Node,RBAC",
        # Pod Security and resource quota are on by default; named so that the choice can be seen.
        "--enable-admission-plugins=NodeRestriction,PodSecurity,ResourceQuota",
        f"--authentication-token-webhook-config-file={pki / 'token-webhook.kubeconfig'}",
        "--authentication-token-webhook-version=v1",
        f"--authentication-token-webhook-cache-ttl={TOKEN_CACHE}",
        f"--kubelet-client-certificate={pki / 'apiserver-kubelet.crt'}",
        f"--kubelet-client-key={pki / 'apiserver-kubelet.key'}",
        f"--kubelet-certificate-authority={pki / 'ca.crt'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--allow-privileged",
        "--profiling=false",
    ]


def _manager(component: str, settings: Settings) -> list[str]:
    """What the controller manager and the scheduler have in common."""
    kubeconfig = settings.pki / f"{component}.kubeconfig"
    return [
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--leader-elect=false",
        f"--bind-address={LOOPBACK}",
        f"--secure-port={settings.ports[component]}",
        f"--tls-cert-file={settings.pki / 'kubelet.crt'}",
        f"--tls-private-key-file={settings.pki / 'kubelet.key'}",
        "--profiling=false",
        *CLIENT_RATE,
    ]


def _controller_manager(settings: Settings) -> list[str]:
    return [
        *_manager("controller-manager", settings),
        f"--service-account-private-key-file={settings.pki / 'sa.key'}",
        f"--root-ca-file={settings.pki / 'ca.crt'}",
        "--use-service-account-credentials",
        f"--node-monitor-grace-period={NODE_GRACE}",
    ]


def _scheduler(settings: Settings) -> list[str]:
    return _manager("scheduler", settings)


def _kwok(settings: Settings) -> list[str]:
    port = settings.ports["kwok"]
    return [
        f"--config={stages.path(settings)}",
        f"--kubeconfig={settings.pki / 'kwok.kubeconfig'}",
        # By label, not all nodes: process nodes live in the same cluster.
        f"--manage-nodes-with-label-selector={stages.SIMULATED_SELECTOR}",
        # With leases a restarted kwok would ignore its nodes until the old leases run out.
        "--node-lease-duration-seconds=0",
        "--cidr=10.0.0.0/8",
        f"--node-ip={LOOPBACK}",
        f"--node-port={port}",
        f"--server-address={LOOPBACK}:{port}",
        f"--tls-cert-file={settings.pki / 'kubelet.crt'}",
        f"--tls-private-key-file={settings.pki / 'kubelet.key'}",
        "-v=WARN",
    ]
