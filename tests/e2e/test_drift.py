"""`make drift` and `make orphans` on a deployed stack: silent when all is as it was left, exact when it is not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Deployed

SUSPEND = """
import boto3
s3 = boto3.client("s3")
name = next(entry["Name"] for entry in s3.list_buckets()["Buckets"] if "models-bucket" in entry["Name"])
s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "%s"})
"""


@pytest.fixture
def state(deployed: Deployed) -> Iterator[Deployed]:
    """The stack with a state that is put back afterwards."""
    deployed.checkout.shell("pulumi stack export --stack local --file before.json")
    yield deployed
    deployed.checkout.shell("pulumi stack import --stack local --file before.json")


def test_drift_names_what_was_changed_behind_the_programs_back(deployed: Deployed) -> None:
    checkout = deployed.checkout
    assert "no drift" in checkout.run("operations", "drift", check=True).stdout
    checkout.write("change.py", SUSPEND % "Suspended")
    try:
        checkout.shell(".venv/bin/python change.py")
        done = checkout.run("operations", "drift")
        assert done.returncode == 3
        assert "store-models-versioning" in done.stdout
        assert "versioningConfiguration.status" in done.stdout
        assert "1 resources" in done.stderr
    finally:
        checkout.write("change.py", SUSPEND % "Enabled")
        checkout.shell(".venv/bin/python change.py")


def test_what_no_state_holds_is_an_orphan(state: Deployed) -> None:
    checkout = state.checkout
    assert "no orphans" in checkout.run("operations", "orphans", check=True).stdout
    deployment = json.loads((checkout.folder / "before.json").read_text(encoding="utf-8"))["deployment"]
    (budget,) = [entry for entry in deployment["resources"] if entry["type"] == "aws:budgets/budget:Budget"]
    checkout.shell(f"pulumi state delete --stack local --yes --force '{budget['urn']}'")
    done = checkout.run("operations", "orphans")
    assert done.returncode == 3
    assert "aws:budgets/budget:Budget" in done.stdout
