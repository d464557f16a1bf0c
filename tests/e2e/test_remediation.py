"""Policies at level `remediate` under the real engine: the values are put right, and secrets stay secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from plan.values import SECRET_SIGNATURE, SIGNATURE
from tests.e2e.checkout import Checkout
from tests.e2e.conftest import Deployed

PROJECT = """\
name: remedy
runtime: {name: python, options: {virtualenv: ../.venv}}
"""
PROGRAM = """\
import pulumi
import pulumi_aws as aws

options = pulumi.Output.secret({"http_endpoint": "enabled"})
data = pulumi.Output.secret("aHVudGVyMg==")
aws.ec2.LaunchTemplate("template", instance_type="m7i.large", metadata_options=options, user_data=data)
bucket = aws.s3.Bucket("bucket", force_destroy=True, tags={"note": pulumi.Output.secret("hunter2")})
aws.s3.BucketPublicAccessBlock("block", bucket=bucket.bucket)
"""
LEVELS = {
    "all": "disabled",
    "lt-imdsv2-required": "remediate",
    "s3-no-force-destroy": "remediate",
    "s3-public-access-block-all-flags": "remediate",
}
FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


@pytest.fixture
def program(deployed: Deployed) -> Iterator[Checkout]:
    """A small program of its own beside the deployed stack, in the same local cloud."""
    checkout = deployed.checkout
    folder = checkout.folder / "remedy"
    folder.mkdir()
    for name, text in (("Pulumi.yaml", PROJECT), ("__main__.py", PROGRAM), ("levels.json", json.dumps(LEVELS))):
        (folder / name).write_text(text, encoding="utf-8")
    checkout.shell("cd remedy && pulumi stack init remedy && pulumi config set aws:region us-east-1")
    yield checkout
    checkout.shell("cd remedy && pulumi destroy --stack remedy --yes --skip-preview && pulumi stack rm remedy --yes")


def inputs(checkout: Checkout, *flags: str) -> dict[str, dict[str, Any]]:
    text = checkout.shell(f"cd remedy && pulumi stack export --stack remedy {' '.join(flags)}").stdout
    return {
        entry["urn"].rpartition("::")[2]: entry.get("inputs") or {}
        for entry in json.loads(text)["deployment"]["resources"]
        if entry.get("custom")
    }


def test_what_is_remediated_is_right_and_secrets_keep_their_marker(program: Checkout) -> None:
    done = program.shell(
        "cd remedy && pulumi up --stack remedy --yes --skip-preview --non-interactive "
        "--policy-pack ../policies --policy-pack-config levels.json"
    )
    assert "hunter2" not in done.stdout + done.stderr
    stored = inputs(program)
    assert stored["bucket"]["forceDestroy"] is False
    assert [stored["block"][flag] for flag in FLAGS] == [True] * 4
    for value in (
        stored["template"]["metadataOptions"],
        stored["template"]["userData"],
        stored["bucket"]["tags"]["note"],
    ):
        assert value[SIGNATURE] == SECRET_SIGNATURE
        assert "ciphertext" in value
    shown = inputs(program, "--show-secrets")
    options = json.loads(shown["template"]["metadataOptions"]["plaintext"])
    assert (options["httpEndpoint"], options["httpTokens"]) == ("enabled", "required")
    assert json.loads(shown["template"]["userData"]["plaintext"]) == "aHVudGVyMg=="
