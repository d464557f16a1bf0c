"""Every preset: trains with falling loss, goes on exactly where it was killed, exports, and what it exports loads."""

from __future__ import annotations

from collections.abc import Callable
from statistics import mean

import pytest
import torch
from PIL import Image

from tests.training_torch import runs
from tests.training_torch.serve.conftest import Running, exported, start  # noqa: F401 - fixtures
from tests.training_torch.serve.test_app import png
from training import weights
from training.presets import PRESETS

STEPS, KILLED_AT = 40, 17
TINY = [name for name in PRESETS if name.endswith("-tiny")]


def killed(_rank: int) -> None:
    runs.at_step(KILLED_AT, runs.kill_after_checkpoint)


@pytest.fixture(scope="module", params=TINY)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[runs.Trial, runs.Trial]:
    """A run that went through, and one that was killed in the middle and resumed."""
    folder = tmp_path_factory.mktemp(request.param)
    whole = runs.start(folder / "whole", request.param, steps=STEPS)
    broken = runs.run(folder / "broken", request.param, steps=STEPS, before=killed)
    assert broken.codes == [-9]
    resumed = runs.run(folder / "broken", request.param, steps=STEPS)
    return whole.wait(), resumed


def test_six_presets_have_a_tiny_size() -> None:
    assert len(TINY) == 6
    assert {name.removesuffix("-tiny") for name in TINY} == {name for name in PRESETS if not name.endswith("-tiny")}


def test_the_loss_falls(pair: tuple[runs.Trial, runs.Trial]) -> None:
    whole, _ = pair
    assert whole.code == 0, whole.errors()
    losses = list(whole.losses().values())
    assert len(losses) == STEPS
    assert mean(losses[-8:]) < 0.9 * mean(losses[:8])


def test_a_killed_run_goes_on_bit_for_bit(pair: tuple[runs.Trial, runs.Trial]) -> None:
    whole, resumed = pair
    assert resumed.code == 0, resumed.errors()
    assert [one["step"] for one in resumed.events("resumed")] == [10]
    assert resumed.losses() == whole.losses(), "a resumed run takes every step as an uninterrupted one does"
    ours, theirs = (weights.load_exported(one.output / "export").state_dict() for one in (resumed, whole))
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs), "and ends with the same weights"


def test_what_is_exported_loads_and_judges_as_the_trained_model(pair: tuple[runs.Trial, runs.Trial]) -> None:
    whole, _ = pair
    assert whole.result()["dev"]["loss"] == pytest.approx(runs.loss_of_export(whole), rel=1e-5)


def test_the_resumed_run_answers_through_the_server(
    pair: tuple[runs.Trial, runs.Trial],
    start: Callable[..., Running],  # noqa: F811 - the fixture
    request: pytest.FixtureRequest,
) -> None:
    preset = request.node.callspec.params["pair"]
    client = start(pair[1].output / "export").client
    if preset.startswith(("bloom", "gpt")):
        assert len(client.complete("once", max_tokens=4, temperature=0)) == 1
        return
    given = {"resnet18-tiny": png(Image.new("RGB", (64, 64), (200, 30, 30))), "mnist-mlp-tiny": [[0.0] * 28] * 28}
    found = client.post("/v1/classify", {"input": [given.get(preset, "a word or two")]})
    assert found.status == 200, found.text
    assert sum(found.json["data"][0]["probs"]) == pytest.approx(1, abs=1e-5)
