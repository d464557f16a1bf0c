"""The reference page of the stack file, made from the specs: every key, what it takes, what it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stacks.config import CLOUDS
from stacks.schema import definition, schema

FILE = Path(__file__).resolve().parent.parent / "docs" / "stack-file.md"
HEAD = """\
# The stack file

One file, `stacks/Pulumi.<stack>.yaml`, says everything about one data center. Copy one that comes close and change it;
`python -m stacks check <stack>` reports every mistake before anything is planned. Editors that know the YAML language
server complete and check the keys with `stacks/schema.json`.

This page is made from the code by `python -m stacks docs`.
"""
Schema = Mapping[str, Any]
TITLES = {"aws": "AWS", "gcp": "Google Cloud"}


def text() -> str:
    """The page as Markdown."""
    definitions = schema()["$defs"]
    lines = [HEAD]
    for cloud in CLOUDS:
        lines += [f"## Sections: {TITLES[cloud]}", "", *_table(definitions[definition(cloud)]), ""]
    for name in _order([definitions[definition(cloud)] for cloud in CLOUDS], definitions):
        shape = definitions[name]
        lines += [f'## <a id="{_anchor(name)}"></a>{_title(name)}', "", shape.get("description", ""), ""]
        lines += [*_table(shape), ""]
    return "\n".join(lines).rstrip() + "\n"


def write(path: Path = FILE) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text(), encoding="utf-8")


def _table(definition: Schema) -> Iterator[str]:
    yield "| key | takes | default | what |"
    yield "| --- | --- | --- | --- |"
    required = definition.get("required", ())
    for key, field in definition["properties"].items():
        default = "*required*" if key in required else _default(field)
        yield f"| `{key}` | {_takes(field)} | {default} | {field.get('description', '')} |"


def _default(field: Schema) -> str:
    value = field.get("default")
    if value is None or value in ({}, []):
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"`{key}: {item}`" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _takes(field: Schema) -> str:
    """What a key takes, in a few words."""
    if "$ref" in field:
        name = field["$ref"].rsplit("/", 1)[-1]
        return f"[{_title(name)}](#{_anchor(name)})"
    for union in ("anyOf", "oneOf"):
        if union in field:
            return " or ".join(_takes(member) for member in field[union] if member.get("type") != "null")
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        return f"list of {_takes(field['items'])}"
    if field.get("type") == "object":
        entries = field.get("patternProperties") or {"": field["additionalProperties"]}
        member = next(iter(entries.values()))
        return "values by name" if member is True else f"{_takes(member)} by name"
    return _plain(field)


def _plain(field: Schema) -> str:
    words = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text"}
    word = words[field.get("type", "string")]
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum")
    if low is None and high is None:
        return word
    bound = (
        f"{low} to {high}" if high is not None else f"{'more than' if 'exclusiveMinimum' in field else 'from'} {low}"
    )
    return f"{word}, {bound}"


def _order(configs: list[Schema], definitions: Schema) -> list[str]:
    """Definitions in the order in which a reader meets them."""
    found: list[str] = []

    def walk(node: Any) -> None:
        if isinstance(node, Mapping):
            if "$ref" in node and (name := node["$ref"].rsplit("/", 1)[-1]) not in found:
                found.append(name)
                walk(definitions[name])
            for key, value in node.items():
                if key != "discriminator":
                    walk(value)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(configs)
    return found


def _title(name: str) -> str:
    """`AcceleratorPoolSpec` -> `accelerator pool`."""
    bare = name.removesuffix("Spec")
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in bare).strip()


def _anchor(name: str) -> str:
    return _title(name).replace(" ", "-")
