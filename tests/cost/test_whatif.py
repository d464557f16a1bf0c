"""Promises about what-ifs: any value of a stack file may be changed; a path that leads nowhere says where it ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cost.whatif import apply
from terminal import InvalidInput

FILE = {
    "ai-datacenter:pools": json.dumps({"h200": {"nodes": 4, "zones": ["us-east-1a"], "purchase": {"days": 14}}}),
    "ai-datacenter:cloud": "aws",
    "aws:region": "us-east-1",
    "ai-datacenter:secrets": "[secret]",
}


def changed(*changes: str) -> dict[str, Any]:
    found = apply(FILE, changes)
    return {key: json.loads(text) if text[:1] in "{[" else text for key, text in found.items() if text != FILE.get(key)}


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ("pools.h200.nodes=8", "ai-datacenter:pools", {"nodes": 8}),
        ("pools.h200.purchase.days=30", "ai-datacenter:pools", {"purchase": {"days": 30}}),
        ("pools.h200.zones[0]=us-east-1b", "ai-datacenter:pools", {"zones": ["us-east-1b"]}),
        ("pools.h200.zones[1]=us-east-1b", "ai-datacenter:pools", {"zones": ["us-east-1a", "us-east-1b"]}),
        ('pools["h200"].nodes=8', "ai-datacenter:pools", {"nodes": 8}),
        ("pools.h200.zones=[us-east-1c]", "ai-datacenter:pools", {"zones": ["us-east-1c"]}),
    ],
)
def test_a_value_of_a_section_or_of_a_list_in_it_is_changed_and_the_rest_stays(
    change: str, key: str, value: dict[str, Any]
) -> None:
    pool = json.loads(FILE[key])["h200"] | value
    assert changed(change) == {key: {"h200": pool}}


def test_a_section_that_the_file_lacks_may_be_added() -> None:
    assert changed("budget.monthly-usd=5") == {"ai-datacenter:budget": {"monthly-usd": 5}}
    assert changed("discounts={contract: 7}") == {"ai-datacenter:discounts": {"contract": 7}}
    assert changed("budget.monthly-usd=5", "budget.accelerators=8") == {
        "ai-datacenter:budget": {"monthly-usd": 5, "accelerators": 8}
    }
    assert changed("aws:region=us-west-2") == {"aws:region": "us-west-2"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("pools.h20.nodes=1", "there is no pools.h20 in the stack file; did you mean h200?"),
        ("pools.h200.zones[5]=a", "there is no pools.h200.zones[5] in the stack file: it has 1 entry"),
        ("pools.h200.nodes[0]=a", "pools.h200.nodes is no list"),
        ("pools.h200.zones.first=a", "pools.h200.zones has no keys to set; write pools.h200.zones[0]"),
        ("pools..nodes=1", "write the path as section.key"),
        ("[0]=1", "write the path as section.key"),
        ("pools.h200.nodes", "write it as section.key=value"),
        ("cloud.name=1", "it has no keys to set"),
        ("secrets.name=1", "is encrypted or a plain text"),
    ],
)
def test_a_path_that_leads_nowhere_is_one_clear_message(change: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        apply(FILE, [change])
    assert words in caught.value.problems[0]
