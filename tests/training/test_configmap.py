"""The result goes into a config map of the pod's namespace, over TLS, with the pod's token."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from training import configmap


class ApiServer(ThreadingHTTPServer):
    """Answers with the codes it is given, then as a server with a memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.codes: list[int] = []
        self.stored: dict[str, Any] = {}
        self.asked: list[tuple[str, str, str]] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "ca.crt", folder / "key.pem")
        self.socket = context.wrap_socket(self.socket, server_side=True)


class Handler(BaseHTTPRequestHandler):
    server: ApiServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.command, self.path, self.headers["Authorization"]))
        name = body["metadata"]["name"]
        code = self.server.codes.pop(0) if self.server.codes else 0
        if not code:
            code = 404 if self.command == "PUT" and name not in self.server.stored else 200
        if code == 200:
            self.server.stored[name] = body
        answer = json.dumps({"message": f"answered {code}"}).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PUT  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The files of a service account, and the server's key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(hours=1)).not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    (tmp_path / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "namespace").write_text("team")
    return tmp_path


@pytest.fixture
def server(account: Path) -> Iterator[ApiServer]:
    found = ApiServer(account)
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configmap, "FIRST_PAUSE", 0.001)


def address(server: ApiServer) -> dict[str, str]:
    return {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.server_address[1])}


def test_it_is_made_when_there_is_none_and_replaced_when_there_is_one(server: ApiServer, account: Path) -> None:
    configmap.write("result", {"a": 1}, account, address(server))
    configmap.write("result", {"a": 2}, account, address(server))
    path = "/api/v1/namespaces/team/configmaps"
    assert [asked[:2] for asked in server.asked] == [
        ("PUT", f"{path}/result"),
        ("POST", path),
        ("PUT", f"{path}/result"),
    ]
    assert {asked[2] for asked in server.asked} == {"Bearer t0ken"}
    assert json.loads(server.stored["result"]["data"]["result.json"]) == {"a": 2}


def test_a_server_that_is_away_for_a_moment_is_asked_again(server: ApiServer, account: Path) -> None:
    server.codes = [503, 500, 429]
    configmap.write("result", {}, account, address(server))
    assert "result" in server.stored


def test_a_refusal_is_told_at_once_in_the_servers_words(server: ApiServer, account: Path) -> None:
    server.codes = [403]
    with pytest.raises(configmap.WriteError, match="config map team/result: answered 403"):
        configmap.write("result", {}, account, address(server))
    assert len(server.asked) == 1


def test_a_server_that_stays_away_is_given_up(server: ApiServer, account: Path) -> None:
    server.codes = [503] * 100
    with pytest.raises(configmap.WriteError, match="answered 503"):
        configmap.write("result", {}, account, address(server))
    assert len(server.asked) == configmap.TRIES


def test_outside_of_a_pod_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(configmap.WriteError, match="this is no pod with a service account"):
        configmap.write("result", {}, tmp_path, {})
