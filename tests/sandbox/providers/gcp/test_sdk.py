"""What is read from the SDK: required inputs, allowed values, nested shapes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sandbox.providers.gcp import VERSION, sdk
from sandbox.providers.gcp.types import RECORDS

POOL = "gcp:container/nodePool:NodePool"
TOGETHER = """
from concurrent.futures import ThreadPoolExecutor
from sandbox.providers.gcp import sdk
from sandbox.providers.gcp.types import RECORDS
with ThreadPoolExecutor(16) as pool:
    print(len([kind for kind in pool.map(sdk.of, [*RECORDS, *RECORDS])]))
"""


def test_the_version_is_that_of_the_installed_sdk() -> None:
    from importlib.metadata import version

    assert version("pulumi_gcp") == VERSION


def test_an_input_has_its_shape_and_says_whether_it_is_required() -> None:
    fields = sdk.fields(sdk.of(POOL).inputs)
    assert (fields["cluster"].kind, fields["cluster"].required) == ("scalar", True)
    assert (fields["nodeConfig"].kind, fields["nodeConfig"].required) == ("object", False)
    config = sdk.fields(fields["nodeConfig"].of or object)
    assert config["labels"].kind == "map"
    taint = config["taints"].item
    assert taint is not None
    assert sdk.fields(taint.of or object)["key"].required


@pytest.mark.parametrize("token", ["gcp:container/nodePool:Nothing", "gcp:nothing/x:Y", "aws:ec2/vpc:Vpc", "gcp"])
def test_what_the_sdk_lacks_is_told_apart(token: str) -> None:
    with pytest.raises(sdk.NotInSdk):
        sdk.of(token)


@pytest.mark.parametrize(
    ("description", "values"),
    [
        ("Its mode. Possible values are: `A_B`, `C`.", {"A_B", "C"}),
        ("Default value is `X`.\nPossible values are: `X`, `Y`.", {"X", "Y"}),
        ("Accepted values are `IPV4` and `IPV6`.", {"IPV4", "IPV6"}),
        ('Accepted values are:\n* `"A"`: one, two\n* `"B"`: three', {"A", "B"}),
        ("Possible values:\nFIRST\nSECOND\n", {"FIRST", "SECOND"}),
        ("Supported values include: `A`, `B`.", set()),
        ("Possible values are described in the API.", set()),
        ("Possible values are: `ONLY`.", set()),
        ("A name.", set()),
    ],
)
def test_allowed_values_are_read_where_a_description_lists_them_all(description: str, values: set[str]) -> None:
    assert sdk.allowed(description) == values


@pytest.mark.parametrize("kind", RECORDS)
def test_every_path_of_a_record_is_one_of_the_sdk(kind: str) -> None:
    record = RECORDS[kind]
    paths = {*record.force, *record.keep, *record.values, *record.computed, *record.refers, record.place}
    paths |= {record.protected} | {name for name in record.id_inputs if name != "project"}
    for path in paths - {"", "*"}:
        cls = sdk.of(kind).inputs
        for name in path.split("."):
            fields = sdk.fields(cls)
            assert name in fields, f"{kind}: {path}"
            field = fields[name].item or fields[name]
            cls = field.of or object


def test_many_threads_may_ask_at_once() -> None:
    """The modules of the SDK import each other in circles."""
    done = subprocess.run([sys.executable, "-c", TOGETHER], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(2 * len(RECORDS)), done.stderr
