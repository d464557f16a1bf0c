from __future__ import annotations

import base64
import datetime as dt
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from sandbox.kubernetes import pki
from sandbox.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path, tmp_path / "cache", 20000)


def contents(settings: Settings) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in settings.pki.iterdir()}


def certificate(settings: Settings, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((settings.pki / f"{name}.crt").read_bytes())


def test_a_second_call_changes_nothing(settings: Settings) -> None:
    assert pki.ensure(settings)
    before = contents(settings)
    assert not pki.ensure(settings)
    assert contents(settings) == before


def test_nobody_else_can_read_the_keys(settings: Settings) -> None:
    pki.ensure(settings)
    assert stat.S_IMODE(settings.pki.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in settings.pki.iterdir()} == {0o600}


def test_every_certificate_is_issued_by_the_authority_and_names_its_user_and_group(settings: Settings) -> None:
    pki.ensure(settings)
    authority = certificate(settings, "ca")
    for leaf in (*pki.SERVERS, *pki.CLIENTS, *pki.CALLERS):
        found = certificate(settings, leaf.file)
        found.verify_directly_issued_by(authority)
        names = {attribute.rfc4514_attribute_name: attribute.value for attribute in found.subject}
        assert names == {"CN": leaf.common_name} | ({"O": leaf.organization} if leaf.organization else {})


def test_the_server_certificate_is_good_for_loopback_and_the_first_service_address(settings: Settings) -> None:
    pki.ensure(settings)
    names = certificate(settings, "apiserver").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "10.96.0.1"]
    assert "localhost" in names.get_values_for_type(x509.DNSName)


def test_certificates_near_their_end_are_renewed_under_the_same_authority_when_that_one_lasts(
    settings: Settings,
) -> None:
    now = dt.datetime.now(dt.UTC)
    pki.ensure(settings, now)
    old = (settings.pki / "admin.crt").read_bytes()
    (settings.pki / "admin.crt").write_text("damaged")
    assert pki.ensure(settings, now)
    assert (settings.pki / "admin.crt").read_bytes() != old
    certificate(settings, "admin").verify_directly_issued_by(certificate(settings, "ca"))


def test_an_authority_near_its_end_is_renewed_with_everything_below_it(settings: Settings) -> None:
    now = dt.datetime.now(dt.UTC)
    pki.ensure(settings, now)
    before = contents(settings)
    later = now + pki.LIFETIME - pki.RENEW_BEFORE + dt.timedelta(hours=1)
    assert pki.ensure(settings, later)
    after = contents(settings)
    same = {name for name in before if before[name] == after[name]}
    assert same == {"sa.key", "sa.pub", "token-webhook.kubeconfig"}
    for leaf in pki.CLIENTS:
        certificate(settings, leaf.file).verify_directly_issued_by(certificate(settings, "ca"))


def test_certificates_are_kept_while_they_last_longer_than_the_margin(settings: Settings) -> None:
    now = dt.datetime.now(dt.UTC)
    pki.ensure(settings, now)
    assert not pki.ensure(settings, now + pki.LIFETIME - pki.RENEW_BEFORE - dt.timedelta(hours=1))


def test_another_port_changes_the_kubeconfigs_and_no_key(settings: Settings) -> None:
    pki.ensure(settings)
    before = contents(settings)
    moved = Settings(settings.state, settings.cache, 21000)
    assert pki.ensure(moved)
    after = contents(moved)
    assert {name for name in after if after[name] != before[name]} == {
        *(f"{leaf.file}.kubeconfig" for leaf in pki.CLIENTS),
        "token-webhook.kubeconfig",
    }
    server = yaml.safe_load(after["admin.kubeconfig"])["clusters"][0]["cluster"]["server"]
    assert server == "https://127.0.0.1:21000"


def test_a_kubeconfig_holds_the_certificates_themselves(settings: Settings) -> None:
    pki.ensure(settings)
    document = yaml.safe_load((settings.pki / "node-agent.kubeconfig").read_text())
    user = document["users"][0]["user"]
    assert base64.b64decode(user["client-certificate-data"]) == (settings.pki / "node-agent.crt").read_bytes()
    assert base64.b64decode(user["client-key-data"]) == (settings.pki / "node-agent.key").read_bytes()


def test_tokens_are_reviewed_by_the_aws_api_of_the_same_sandbox(settings: Settings) -> None:
    pki.ensure(settings)
    document = yaml.safe_load((settings.pki / "token-webhook.kubeconfig").read_text())
    assert document["clusters"][0]["cluster"] == {"server": f"{settings.aws_url}/_sandbox/token-review"}


def test_an_unchanged_file_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert pki.write_if_changed(path, "text")
    inode = path.stat().st_ino
    assert not pki.write_if_changed(path, b"text")
    assert path.stat().st_ino == inode
    assert list(tmp_path.iterdir()) == [path]
