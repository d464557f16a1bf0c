"""The plugin process: `python -m sandbox.providers.kubernetes ENGINE_ADDRESS`."""

from __future__ import annotations

import logging

from sandbox.providers.kubernetes.servicer import KubernetesServicer
from sandbox.providers.process import log_to, serve
from sandbox.settings import Settings


def main() -> None:
    log_to(Settings.load().logs, "kubernetes")
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its retries are no news to the user
    serve(KubernetesServicer())


if __name__ == "__main__":
    main()
