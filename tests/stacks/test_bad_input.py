"""One broken stack file per mistake, and the very sentence its author reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from plan import PlanError
from stacks import config
from terminal import Exit, InvalidInput
from tests.stacks.support import REMOVED, changed, plan_of

MISTAKES = yaml.safe_load(Path(__file__).with_name("mistakes.yaml").read_text(encoding="utf-8"))


def broken(mistake: str) -> dict[str, Any]:
    """The local stack with one mistake in it."""
    entry = MISTAKES[mistake]
    return changed({**entry.get("change", {}), **dict.fromkeys(entry.get("remove", ()), REMOVED)})


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_clear_sentence(mistake: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        config.parse(config.named(broken(mistake)))
    assert refused.value.problems == [MISTAKES[mistake]["says"]]
    assert refused.value.code is Exit.USAGE


def test_all_mistakes_are_reported_at_once_even_across_sections() -> None:
    """A wrong type in one pool hides neither the zone of another nor the rules between other sections."""
    other = {"instance-type": "p5en.48xlarge", "zone": "us-east-1d", "nodes": 1, "purchase": {"model": "on-demand"}}
    changes = {
        "site/owner": "The Platform Team",
        "pools/h100/nodes": "two",
        "pools/h200": other,
        "file-system/storage-gib": 3000,
        "system-pools/bench/zones": ["us-east-1c"],
    }
    with pytest.raises(InvalidInput) as refused:
        config.parse(config.named(changed(changes)))
    found = [problem.split(":")[0] for problem in refused.value.problems]
    assert sorted(found) == [
        "`file-system.storage-gib`",
        "`pools[h100].nodes`",
        "`pools[h200].zone`",
        "`site.owner`",
        "`system-pools[bench].zones[0]`",
    ]


def test_the_program_refuses_a_bad_stack_with_the_same_sentences() -> None:
    mistake = "zone outside the network"
    with pytest.raises(PlanError) as refused:
        plan_of(broken(mistake))
    assert refused.value.problems == [MISTAKES[mistake]["says"]]
    assert refused.value.code is Exit.USAGE


def test_a_missing_stack_file_names_those_that_exist() -> None:
    with pytest.raises(InvalidInput) as refused:
        config.load("lokal")
    known = ", ".join(config.names())
    assert refused.value.problems == [
        f"stack lokal: there is no stacks/Pulumi.lokal.yaml (there are: {known}). Did you mean local?"
    ]
