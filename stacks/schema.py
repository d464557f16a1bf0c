"""The JSON schema of stack files, made from the specs: editors complete, explain and check with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from stacks.config import CLOUDS, DEFAULT_CLOUD, FOLDER, PROJECT, PROVIDER_KEYS, model

FILE = FOLDER / "schema.json"
PULUMI_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""What Pulumi itself writes into a stack file (Pulumi documentation, "Stack settings file reference")."""
CLOUD = f"{PROJECT}:cloud"


def schema() -> dict[str, Any]:
    """The schema of a whole `Pulumi.<stack>.yaml`. The key `cloud` says which sections there are."""
    references, shapes = models_json_schema([(model(cloud), "validation") for cloud in CLOUDS], by_alias=True)
    definitions = shapes["$defs"]
    configs = {
        cloud: definitions.pop(references[model(cloud), "validation"]["$ref"].rsplit("/", 1)[-1]) for cloud in CLOUDS
    }
    definitions |= {definition(cloud): _config(shape) for cloud, shape in configs.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of ai-datacenter",
        "type": "object",
        "additionalProperties": False,
        "required": ["config"],
        "properties": {
            "config": {"description": "Everything about one data center.", **_choice()},
            **{key: {"description": "Written by Pulumi."} for key in PULUMI_KEYS},
        },
        "$defs": definitions,
    }


def definition(cloud: str) -> str:
    """Name of the definition that holds the sections for one cloud."""
    return model(cloud).__name__


def _choice() -> dict[str, Any]:
    """Sections by the value of `cloud`. Not `oneOf`: editors would then show the mistakes of every cloud at once."""
    chosen: dict[str, Any] = {"$ref": f"#/$defs/{definition(DEFAULT_CLOUD)}"}
    for cloud in CLOUDS:
        if cloud != DEFAULT_CLOUD:
            here = {"required": [CLOUD], "properties": {CLOUD: {"const": cloud}}}
            chosen = {"if": here, "then": {"$ref": f"#/$defs/{definition(cloud)}"}, "else": chosen}
    return chosen


def _config(shape: dict[str, Any]) -> dict[str, Any]:
    """The sections of one cloud under their full keys."""
    return {
        "type": "object",
        "additionalProperties": False,
        "description": shape["description"],
        "properties": {_full(name): field for name, field in shape["properties"].items()},
        "patternProperties": {"^pulumi:": {}},
        "required": [_full(name) for name in shape["required"]],
    }


def _full(name: str) -> str:
    provider_keys = [key for keys in PROVIDER_KEYS.values() for key in keys]
    return name if name in provider_keys else f"{PROJECT}:{name}"


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def write(path: Path = FILE) -> None:
    path.write_text(text(), encoding="utf-8")
