"""One broken stack file of Google Cloud per mistake, and the very sentence its author reads."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from plan import PlanError
from stacks import config
from terminal import Exit, InvalidInput
from tests.stacks.support import changed, plan_of

MISTAKES = yaml.safe_load(Path(__file__).with_name("mistakes_gcp.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_clear_sentence(mistake: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        config.parse(config.named(changed(MISTAKES[mistake]["change"], "local-tpu")))
    assert refused.value.problems == [MISTAKES[mistake]["says"]]
    assert refused.value.code is Exit.USAGE


def test_the_program_refuses_it_before_anything_is_planned() -> None:
    mistake = "reservation with flex-start"
    with pytest.raises(PlanError) as refused:
        plan_of(changed(MISTAKES[mistake]["change"], "local-tpu"))
    assert refused.value.problems == [MISTAKES[mistake]["says"]]


def test_all_mistakes_are_reported_at_once_even_across_sections() -> None:
    changes = {
        "site/owner": "The Platform Team",
        "pools/v6e/nodes": 3,
        "pools/h200": {
            "machine-type": "a3-ultragpu-8g",
            "zone": "us-east4-b",
            "nodes": 1,
            "purchase": {"model": "spot"},
        },
        "system-pools/bench/zones": ["us-central1-f"],
    }
    with pytest.raises(InvalidInput) as refused:
        config.parse(config.named(changed(changes, "local-tpu")))
    assert sorted(problem.split(":")[0] for problem in refused.value.problems) == [
        "`pools[h200].zone`",
        "`pools[v6e].nodes`",
        "`site.owner`",
        "`system-pools[bench].zones[0]`",
    ]
