"""The plugin process `pulumi-resource-gcp` of the local cloud: started by the engine, one a provider resource."""

from __future__ import annotations

from sandbox.providers.gcp.provider import Gcp
from sandbox.providers.process import log_to, serve
from sandbox.providers.protocol import Servicer
from sandbox.settings import Settings


def main() -> None:
    settings = Settings.load()
    log_to(settings.logs, "gcp")
    backend = Gcp(settings)
    servicer = Servicer(backend)
    backend.connect(servicer.cancelled)
    serve(servicer)


main()
