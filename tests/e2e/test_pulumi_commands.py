"""After `eval "$(python -m sandbox env)"` the ordinary commands of Pulumi, kubectl and aws work on the local stack."""

from __future__ import annotations

import json

from tests.e2e.conftest import Deployed


def test_preview_and_up_find_nothing_to_do(deployed: Deployed) -> None:
    deployed.checkout.shell("pulumi preview --stack local --expect-no-changes")
    deployed.checkout.shell("pulumi up --stack local --yes --skip-preview --expect-no-changes")


def test_refresh_finds_the_cloud_as_the_state_says(deployed: Deployed) -> None:
    deployed.checkout.shell("pulumi refresh --stack local --yes --skip-preview --expect-no-changes")


def test_drift_is_seen_by_refresh_and_repaired_by_up(deployed: Deployed) -> None:
    shell = deployed.checkout.shell
    vpc = shell("aws ec2 describe-vpcs --filters Name=is-default,Values=false --query 'Vpcs[0].VpcId' --output text")
    name = vpc.stdout.strip()
    shell(f"aws ec2 create-tags --resources {name} --tags Key=dc:owner,Value=somebody-else")
    seen = shell("pulumi refresh --stack local --preview-only --diff --expect-no-changes", check=False)
    assert seen.returncode != 0
    assert "somebody-else" in seen.stdout
    shell("pulumi refresh --stack local --yes --skip-preview")
    shell("pulumi up --stack local --yes --skip-preview")
    tags = shell(f"aws ec2 describe-tags --filters Name=resource-id,Values={name} --output json").stdout
    values = {tag["Key"]: tag["Value"] for tag in json.loads(tags)["Tags"]}
    assert values["dc:owner"] != "somebody-else"


def test_stack_export_holds_every_resource_and_no_secret_in_clear(deployed: Deployed) -> None:
    state = json.loads(deployed.checkout.shell("pulumi stack export --stack local").stdout)
    assert len(state["deployment"]["resources"]) > 100
    assert "pending_operations" not in state["deployment"] or not state["deployment"]["pending_operations"]


def test_an_existing_resource_can_be_imported(deployed: Deployed) -> None:
    shell = deployed.checkout.shell
    shell("aws s3api create-bucket --bucket made-by-hand")
    try:
        shell(
            "pulumi import aws:s3/bucket:Bucket by-hand made-by-hand --stack local --yes --generate-code=false "
            "--protect=false"
        )
        state = json.loads(shell("pulumi stack export --stack local").stdout)
        (found,) = [entry for entry in state["deployment"]["resources"] if entry["urn"].endswith("::by-hand")]
        assert found["id"] == "made-by-hand"
    finally:
        urn = "$(pulumi stack --stack local --show-urns | grep -o 'urn:pulumi.*::by-hand')"
        shell(f'pulumi state delete --stack local --yes "{urn}"; aws s3 rb s3://made-by-hand')


def test_kubectl_reads_the_pods_logs_of_the_process_node(deployed: Deployed) -> None:
    logs = deployed.checkout.shell(
        "kubectl logs -n benchmark-bench -l batch.kubernetes.io/job-completion-index=0 --tail=-1"
    )
    assert "schema_version" in logs.stdout
