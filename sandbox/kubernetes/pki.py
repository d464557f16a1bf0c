"""Keys, certificates and kubeconfig files of the local control plane.

Holds one certificate authority, a server certificate for the API server and one for node endpoints, a client
certificate per component, the key pair that signs service-account tokens, and the kubeconfig files made of them. All
lie in `<state>/pki`; private files are 0600. `ensure` is idempotent: it keeps what is still good, so a second call
changes nothing and running daemons keep working. Leaves out: who may do what (bootstrap.py) and which daemon is given
which file (plane.py).
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.settings import Settings

LIFETIME = dt.timedelta(days=365)
RENEW_BEFORE = dt.timedelta(days=30)
SERVICE_NETWORK = "10.96.0.0/16"
"""Cluster IPs; nothing routes them. The first one is the `kubernetes` service: the server certificate names it."""
NODE_AGENTS = "sandbox:node-agents"
"""The group of what plays kubelet: the process node, the node-group daemon and kwok."""
TOKEN_REVIEW_PATH = "/_sandbox/token-review"  # noqa: S105 - an address, not a token

AUTHORITY = "ca"
FRONT_PROXY_AUTHORITY = "front-proxy-ca"
"""Signs nothing: without one of its own for extension servers, every component complains about its absence for ever."""


@dataclass(frozen=True)
class Leaf:
    """One certificate to issue: the file name, its subject, and whether it serves or calls."""

    file: str
    common_name: str
    organization: str | None = None
    server: bool = False


SERVERS = (Leaf("apiserver", "kube-apiserver", server=True), Leaf("kubelet", "kubelet", server=True))
CLIENTS = (
    Leaf("admin", "sandbox-admin", "system:masters"),
    Leaf("controller-manager", "system:kube-controller-manager"),
    Leaf("scheduler", "system:kube-scheduler"),
    Leaf("kwok", "sandbox:kwok", NODE_AGENTS),
    Leaf("node-agent", "sandbox:node-agent", NODE_AGENTS),
    Leaf("jobset", "sandbox:jobset"),
)
"""Each gets a kubeconfig named like it."""
CALLERS = (Leaf("apiserver-kubelet", "sandbox:apiserver", "system:masters"),)
"""Client certificates without a kubeconfig: the API server calling node endpoints for logs."""

Signer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def ensure(settings: Settings, now: dt.datetime | None = None) -> bool:
    """Make every file that is missing, near its expiry or for another port. Returns whether anything was written.

    A new authority renews everything below it. Raises OSError when the folder cannot be written.
    """
    now = now or dt.datetime.now(dt.UTC)
    folder = settings.pki
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    changed = False
    for authority in (AUTHORITY, FRONT_PROXY_AUTHORITY):
        if not _good(folder / authority, now):
            _write_pair(folder / authority, *_authority(now))
            changed = True
    signer = _load(folder / AUTHORITY)
    for leaf in (*SERVERS, *CLIENTS, *CALLERS):
        if not _good(folder / leaf.file, now, signer[0]):
            _write_pair(folder / leaf.file, *_issue(leaf, signer, now))
            changed = True
    if not ((folder / "sa.key").exists() and (folder / "sa.pub").exists()):
        _service_account_keys(folder)
        changed = True
    for leaf in CLIENTS:
        changed |= write_if_changed(folder / f"{leaf.file}.kubeconfig", _kubeconfig(settings, leaf.file))
    return write_if_changed(folder / "token-webhook.kubeconfig", _webhook(settings)) or changed


def write_if_changed(path: Path, content: str | bytes) -> bool:
    """Write `path` atomically, with mode 0600, unless it holds `content` already. Returns whether it was written."""
    data = content.encode() if isinstance(content, str) else content
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)
    return True


def _good(path: Path, now: dt.datetime, authority: x509.Certificate | None = None) -> bool:
    """Whether PATH.crt and PATH.key belong together, are signed by `authority` and last for RENEW_BEFORE more."""
    try:
        certificate, key = _load(path)
    except (OSError, ValueError):
        return False
    if certificate.public_key() != key.public_key() or now + RENEW_BEFORE > certificate.not_valid_after_utc:
        return False
    try:
        certificate.verify_directly_issued_by(authority or certificate)
    except Exception:  # noqa: BLE001 - the library raises several unrelated kinds; each means "not ours"
        return False
    return True


def _load(path: Path) -> Signer:
    key = serialization.load_pem_private_key(Path(f"{path}.key").read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path}.key: not an elliptic-curve key")
    return x509.load_pem_x509_certificate(Path(f"{path}.crt").read_bytes()), key


def _subject(common_name: str, organization: str | None = None) -> x509.Name:
    """Kubernetes reads the common name as the user and the organization as the group."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        attributes.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _authority(now: dt.datetime) -> Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    # The serial number in the name tells the authorities of two sandboxes, or of two renewals, apart in error messages.
    subject = _subject(f"ai-datacenter-sandbox-{x509.random_serial_number():x}"[:40])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = _builder(subject, subject, key, now).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return builder.add_extension(usage, critical=True).sign(key, hashes.SHA256()), key


def _issue(leaf: Leaf, signer: Signer, now: dt.datetime) -> Signer:
    authority, authority_key = signer
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if leaf.server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(_subject(leaf.common_name, leaf.organization), authority.subject, key, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        # Python's own verification (3.13 on) refuses a certificate that does not name its issuer's key.
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    if leaf.server:
        first = next(ipaddress.ip_network(SERVICE_NETWORK).hosts())
        names = [x509.DNSName(n) for n in ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")]
        addresses = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.IPAddress(first)]
        builder = builder.add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
    return builder.sign(authority_key, hashes.SHA256()), key


def _private(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_pair(path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_if_changed(Path(f"{path}.key"), _private(key))
    write_if_changed(Path(f"{path}.crt"), certificate.public_bytes(serialization.Encoding.PEM))


def _service_account_keys(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_if_changed(folder / "sa.key", _private(key))
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    write_if_changed(folder / "sa.pub", public)


def _kubeconfig(settings: Settings, user: str) -> str:
    def data(file: str) -> str:
        return base64.b64encode((settings.pki / file).read_bytes()).decode()

    cluster = {"server": settings.kubernetes_url, "certificate-authority-data": data("ca.crt")}
    credentials = {"client-certificate-data": data(f"{user}.crt"), "client-key-data": data(f"{user}.key")}
    return _document(cluster, user, credentials)


def _webhook(settings: Settings) -> str:
    """Where the API server sends bearer tokens for review; loopback and without TLS, like the AWS API itself."""
    return _document({"server": f"{settings.aws_url}{TOKEN_REVIEW_PATH}"}, "apiserver", {})


def _document(cluster: dict[str, str], user: str, credentials: dict[str, str]) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "clusters": [{"name": "sandbox", "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": user}}],
    }
    return yaml.safe_dump(document, sort_keys=False)
