"""A client of the local API server, from the certificate files of one of its users."""

from __future__ import annotations

from kubernetes import client

from sandbox.settings import Settings

TIMEOUT = (2.0, 20.0)
"""Seconds to connect and to wait for an answer: pass as `_request_timeout`, the client itself waits for ever."""


def connect(settings: Settings, user: str = "admin") -> client.ApiClient:
    """A client as `user` (a name of pki.CLIENTS). Reads the files at once, so that a renewed certificate counts."""
    configuration = client.Configuration()
    configuration.host = settings.kubernetes_url
    configuration.ssl_ca_cert = str(settings.pki / "ca.crt")
    configuration.cert_file = str(settings.pki / f"{user}.crt")
    configuration.key_file = str(settings.pki / f"{user}.key")
    # The caller decides about a second try: the client's own ones would hide a restart of the API server.
    configuration.retries = False
    # Loopback: a proxy of the user's environment must not be asked.
    configuration.proxy = None
    configuration.no_proxy = "*"
    return client.ApiClient(configuration)
