"""What is made from the specs is what is committed."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from stacks import config, reference, schema
from stacks.__main__ import app
from tests.stacks.support import changed


def test_the_committed_schema_is_current() -> None:
    assert schema.FILE.read_text(encoding="utf-8") == schema.text(), "run `python -m stacks schema`"


def test_the_committed_reference_is_current() -> None:
    assert reference.FILE.read_text(encoding="utf-8") == reference.text(), "run `python -m stacks docs`"


def test_every_key_of_every_section_is_explained() -> None:
    definitions = schema.schema()["$defs"]
    for name, definition in definitions.items():
        assert definition.get("description"), name
        for key, field in definition["properties"].items():
            assert field.get("description", "").endswith("."), f"{name}.{key}"


@pytest.mark.parametrize("stack", config.names())
def test_editors_accept_every_committed_stack_and_know_its_schema(stack: str) -> None:
    text = (config.FOLDER / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(schema.schema()).validate(yaml.safe_load(text))
    header, comment, *_ = text.splitlines()
    assert header == "# yaml-language-server: $schema=schema.json"
    assert comment.startswith("# "), "a head comment says what the stack is"


@pytest.mark.parametrize(
    "changes",
    [{"netwrok": {}}, {"pools/h100/nodes": "two"}, {"network/zones": "us-east-1a"}, {"cluster/version": 1.35}],
)
def test_editors_refuse_what_the_program_refuses(changes: dict[str, object]) -> None:
    wrong = {"config": changed(changes)}
    assert list(jsonschema.Draft202012Validator(schema.schema()).iter_errors(wrong))


def test_check_says_which_stacks_are_fine() -> None:
    result = CliRunner().invoke(app, ["check", "--all"])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{stack}: fine" for stack in config.names()]


def test_check_ends_with_2_for_a_wrong_stack_and_for_wrong_usage(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert CliRunner().invoke(app, ["check"]).exit_code == 2
    assert CliRunner().invoke(app, ["check", "nowhere"]).exit_code == 2
    broken = json.loads(json.dumps(changed({"network/nat": "double"})))
    monkeypatch.setattr(config, "load", lambda _: config.parse(config.named(broken)))
    result = CliRunner().invoke(app, ["check", "local"])
    assert result.exit_code == 2
    assert "local: `network.nat`: double is not one of single, per-zone or none." in result.output
