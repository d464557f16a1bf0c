"""A local stack can mean the local cloud only, whatever its cloud is."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations import stack as stacks
from operations.stack import Stack
from sandbox.gcp import PROJECT
from sandbox.settings import ACCOUNT
from terminal import InvalidInput

AWS = 'aws:allowedAccountIds: ["{account}"]'
GOOGLE = "ai-datacenter:cloud: gcp\n  gcp:project: {project}"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: ai-datacenter\nruntime: python\n")
    monkeypatch.setattr(stacks, "REPOSITORY", tmp_path)
    return tmp_path


def load(folder: Path, name: str, text: str) -> Stack:
    (folder / f"Pulumi.{name}.yaml").write_text(f"config:\n  {text}\n")
    return Stack.load(name)


@pytest.mark.parametrize(
    ("text", "cloud"), [(AWS.format(account=ACCOUNT), "aws"), (GOOGLE.format(project=PROJECT), "gcp")]
)
def test_a_local_stack_names_what_is_local(folder: Path, text: str, cloud: str) -> None:
    found = load(folder, "local-one", text)
    assert (found.is_local, found.cloud) == (True, cloud)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (AWS.format(account="111122223333"), "the account of the local cloud"),
        (GOOGLE.format(project="prod-ml"), "gcp:project is prod-ml; a local stack says aidc-local, the project of"),
        ("ai-datacenter:cloud: gcp", "gcp:project is nothing"),
        (GOOGLE.format(project="prod-ml") + "\n  " + AWS.format(account=ACCOUNT), "gcp:project is prod-ml"),
    ],
)
def test_a_local_stack_that_names_something_real_is_refused(folder: Path, text: str, words: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        load(folder, "local-one", text)
    assert words in str(refused.value)


def test_a_stack_of_another_name_is_not_local(folder: Path) -> None:
    assert not load(folder, "prod", GOOGLE.format(project="prod-ml")).is_local
