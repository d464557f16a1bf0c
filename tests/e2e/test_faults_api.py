"""An AWS API that throttles, fails or loses answers during `make up`, and a state file that was cut short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import small
from tests.e2e.checkout import Checkout, lines

THROTTLED = [
    {"service": "ec2", "code": "RequestLimitExceeded", "status": 503, "message": "Request limit exceeded.", "count": 6},
    {"service": "eks", "code": "ThrottlingException", "status": 429, "message": "Rate exceeded", "count": 4},
    {"service": "iam", "code": "Throttling", "status": 400, "message": "Rate exceeded", "count": 4},
]
PASSING = [
    {"service": "ec2", "action": "DescribeVpcs", "code": "InternalError", "status": 500, "count": 2},
    {"service": "kms", "action": "DescribeKey", "code": "KMSInternalException", "status": 500, "count": 2},
]
LOST = [
    {"service": service, "action": action, "code": "InternalFailure", "status": 500, "after": True}
    for service, action in (
        ("ec2", "CreateVpc"),
        ("ec2", "CreateSubnet"),
        ("ec2", "AllocateAddress"),
        ("iam", "CreateRole"),
        ("kms", "CreateKey"),
        ("eks", "CreateCluster"),
    )
]
DENIED = {"service": "eks", "action": "CreateAddon", "code": "AccessDeniedException", "status": 403, "count": -1}


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    with small.small_stack() as made:
        made.run("sandbox", "up", check=True)
        yield made


def test_throttling_is_survived_lost_answers_double_nothing_and_a_refusal_is_one_clear_line(
    checkout: Checkout,
) -> None:
    denied = {**DENIED, "message": "not authorized to perform: eks:CreateAddon"}
    small.faults(checkout, *LOST, *PASSING, denied, *THROTTLED)
    refused = small.up(checkout)
    text = refused.stdout + refused.stderr
    assert refused.returncode == 1, text
    reasons = {line.strip().split("error: ")[-1] for line in lines(text, "error: ")}
    assert any("eks:CreateAddon: AccessDeniedException: not authorized" in reason for reason in reasons), text
    for code in ("RequestLimitExceeded", "ThrottlingException", "InternalError", "InternalFailure", "Traceback"):
        assert not [reason for reason in reasons if code in reason], text
    hit = {entry["code"]: entry["hits"] for entry in small.shown_faults(checkout)}
    assert all(hit.values()), hit
    small.faults(checkout)
    small.goes_on(checkout)


def test_an_api_that_refuses_everything_is_told_and_the_next_make_up_goes_on(checkout: Checkout) -> None:
    small.faults(checkout, {"code": "InternalFailure", "status": 500, "message": "on fire", "count": -1})
    checkout.edit(f"stacks/Pulumi.{small.NAME}.yaml", ("flow-log-retention-days: 7", "flow-log-retention-days: 14"))
    refused = small.up(checkout)
    text = refused.stdout + refused.stderr
    assert refused.returncode == 1, text
    assert lines(text, "InternalFailure: on fire (given up after"), text
    assert "Traceback" not in text
    small.faults(checkout)
    small.goes_on(checkout)


def test_a_state_file_that_was_cut_short_is_replaced_by_its_copy(checkout: Checkout) -> None:
    path = state_file(checkout)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    said = small.goes_on(checkout)
    assert lines(said, f"the state file of stack {small.NAME} is damaged; going on from its copy")


def test_without_a_sound_copy_the_message_names_the_file_and_the_way_out(checkout: Checkout) -> None:
    path = state_file(checkout)
    copy = path.with_name(path.name + ".bak")
    kept = path.read_bytes(), copy.read_bytes()
    try:
        path.write_bytes(b"{")
        copy.write_bytes(b"")
        refused = small.up(checkout)
        assert refused.returncode == 1
        (line,) = lines(refused.stderr, "error: ")
        assert str(path) in line
        assert "`python -m sandbox reset --yes`" in line
        assert path.read_bytes() == b"{", "the user may want to look at it"
    finally:
        path.write_bytes(kept[0])
        copy.write_bytes(kept[1])


def state_file(checkout: Checkout) -> Path:
    return checkout.settings.backend / ".pulumi" / "stacks" / "ai-datacenter" / f"{small.NAME}.json"
