"""The preparation on Ray; what is said where the package is not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.training_torch.data.samples import stories
from training.data import on_ray
from training.data.cli import main
from training.data.prepare import prepare
from training.data.recipe import Recipe


def test_a_cluster_gives_the_same_bytes(tmp_path: Path) -> None:
    sources, recipe = stories(tmp_path / "in", 5, 10), Recipe("tokens", dev=0.2)
    alone = prepare([sources], tmp_path / "alone", recipe).manifest
    cluster = on_ray.prepare([sources], tmp_path / "cluster", recipe).manifest
    assert alone
    assert cluster
    assert alone.identity == cluster.identity


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (["--of", "2"], "--index and --of are for Jobs without Ray"),
        ([], "the package ray is not installed; pip install ray"),
    ],
)
def test_what_keeps_it_from_starting_is_one_clear_message(
    more: list[str], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = stories(tmp_path / "in", 1, 1)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("sys.argv", ["x", "prepare", str(sources), "--output", str(tmp_path / "out"), "--ray", *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert part in capsys.readouterr().err
