"""The plugin process `pulumi-resource-aws` of the local cloud: started by the engine, one a provider resource."""

from __future__ import annotations

import os

from sandbox.providers.aws.provider import Aws
from sandbox.providers.process import log_to, serve
from sandbox.providers.protocol import Servicer
from sandbox.settings import Settings


def main() -> None:
    # Files and services that boto3 would otherwise ask for credentials, profiles or proxies.
    os.environ.pop("AWS_PROFILE", None)
    os.environ.pop("AWS_DEFAULT_PROFILE", None)
    os.environ |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    os.environ |= {"AWS_EC2_METADATA_DISABLED": "true"}
    log_to(Settings.load().logs, "aws")
    backend = Aws()
    servicer = Servicer(backend)
    backend.connect(servicer.cancelled, servicer.tell)
    serve(servicer)


main()
