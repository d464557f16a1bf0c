"""The JSON schema of stack files, made from the specs: editors complete, explain and check with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stacks.config import FOLDER, PROJECT, PROVIDER_KEYS, StackConfig

FILE = FOLDER / "schema.json"
PULUMI_KEYS = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
"""What Pulumi itself writes into a stack file (Pulumi documentation, "Stack settings file reference")."""


def schema() -> dict[str, Any]:
    """The schema of a whole `Pulumi.<stack>.yaml`."""
    sections = StackConfig.model_json_schema(by_alias=True)
    properties = {_full(name): field for name, field in sections["properties"].items()}
    required = [_full(name) for name in sections["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of ai-datacenter",
        "type": "object",
        "additionalProperties": False,
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "additionalProperties": False,
                "description": "Everything about one data center.",
                "properties": properties,
                "patternProperties": {"^pulumi:": {}},
                "required": required,
            },
            **{key: {"description": "Written by Pulumi."} for key in PULUMI_KEYS},
        },
        "$defs": sections["$defs"],
    }


def _full(name: str) -> str:
    return name if name in PROVIDER_KEYS else f"{PROJECT}:{name}"


def text() -> str:
    """The schema as it is committed."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def write(path: Path = FILE) -> None:
    path.write_text(text(), encoding="utf-8")
