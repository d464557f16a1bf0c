"""The stack file: the only reader of Pulumi's configuration.

`from_pulumi` is for the program, `load_file` for everything else (checks, cost, planner) without Pulumi. Both report
all problems at once. The key `cloud` decides which sections there are: `aws_config` or `gcp_config`. Only that one is
loaded, so that a stack never waits for the SDK of a cloud it does not use. What each section holds is described by its
spec, next to the component that uses it; rules between sections are in `aws_rules` and `gcp_rules`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from components.spec import shown
from stacks.problems import sentences
from terminal import InvalidInput

if TYPE_CHECKING:
    from stacks.aws_config import AwsConfig
    from stacks.gcp_config import GcpConfig
    from stacks.rules import Rulebook

    StackConfig: TypeAlias = AwsConfig | GcpConfig

PROJECT = "ai-datacenter"
FOLDER = Path(__file__).resolve().parent
CLOUDS = ("aws", "gcp")
DEFAULT_CLOUD = "aws"
"""The cloud of a stack file without the key `cloud`."""
PROVIDER_KEYS = {"aws": ("aws:region", "aws:allowedAccountIds"), "gcp": ("gcp:project", "gcp:region")}
"""Keys of the providers that a stack file sets, by cloud."""


def model(cloud: str) -> type[AwsConfig] | type[GcpConfig]:
    """The shape of a stack file for one cloud."""
    if cloud == "gcp":
        from stacks.gcp_config import GcpConfig

        return GcpConfig
    from stacks.aws_config import AwsConfig

    return AwsConfig


def rulebook(cloud: str) -> Rulebook:
    """The rules between the sections of a stack file for one cloud."""
    if cloud == "gcp":
        from stacks.gcp_rules import GCP

        return GCP
    from stacks.aws_rules import AWS

    return AWS


def parse(sections: Mapping[str, Any]) -> StackConfig:
    """Check the sections of a stack file. Raises InvalidInput with every problem that can be seen."""
    cloud = sections.get("cloud", DEFAULT_CLOUD)
    if cloud not in CLOUDS:
        raise InvalidInput(f"`cloud`: {shown(cloud)} is not one of {' or '.join(CLOUDS)}.")
    shape, rules = model(cloud), rulebook(cloud)
    foreign = {key for other in CLOUDS if other != cloud for key in PROVIDER_KEYS[other]} & sections.keys()
    own = {key: value for key, value in sections.items() if key not in foreign}
    problems = [_not_read(key, cloud) for key in sorted(foreign)]
    try:
        config = shape.model_validate(own, by_name=False)
    except ValidationError as error:
        found = sentences(error, shape)
        raise InvalidInput([*problems, *found, *rules.broken(*_valid_sections(own, error, shape))]) from None
    problems += rules.broken({name: getattr(config, name) for name in shape.model_fields})
    if problems:
        raise InvalidInput(problems)
    return config


def _not_read(key: str, cloud: str) -> str:
    return f"`{key}`: not read from the stack file. It reads {', '.join(PROVIDER_KEYS[cloud])}."


def _valid_sections(
    sections: Mapping[str, Any], error: ValidationError, shape: type[AwsConfig] | type[GcpConfig]
) -> tuple[dict[str, Any], set[str]]:
    """What is fine in a file with errors: rules between these sections can be checked all the same.

    Returns the sections by field name, and the names of those that are here without some entries.
    """
    bad = {details["loc"][:depth] for details in error.errors() for depth in (1, 2)}
    valid: dict[str, Any] = {}
    partial: set[str] = set()
    for name, field in shape.model_fields.items():
        key = field.alias or name
        value = sections.get(key, field.default)
        if get_origin(field.annotation) is dict and isinstance(value, Mapping):
            if (key,) in bad:
                partial.add(name)
            value = {entry: spec for entry, spec in value.items() if (key, entry) not in bad}
            kind: Any = dict[str, get_args(field.annotation)[1]]
        elif (key,) in bad:
            continue
        else:
            kind = field.annotation
        try:
            valid[name] = TypeAdapter(kind).validate_python(value, by_name=False)
        except ValidationError:
            continue
    return valid, partial


def load_file(path: Path) -> StackConfig:
    """Read a stack file without Pulumi. Raises InvalidInput."""
    import yaml  # only tools read files; the program gets its configuration from Pulumi

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{path.name}: cannot be read ({error.strerror}).") from None
    except yaml.YAMLError as error:
        raise InvalidInput(f"{path.name}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(document, Mapping) or not isinstance(document.get("config"), Mapping):
        raise InvalidInput(f"{path.name}: it has no `config`. Copy a stack file and change it.")
    return parse(named(document["config"]))


def load(stack: str) -> StackConfig:
    """Read the file of a stack by its name. Raises InvalidInput that names the stacks there are."""
    path = FOLDER / f"Pulumi.{stack}.yaml"
    if not path.is_file():
        known = names()
        near = difflib.get_close_matches(stack, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise InvalidInput(f"stack {stack}: there is no stacks/{path.name} (there are: {', '.join(known)}).{hint}")
    return load_file(path)


def names() -> list[str]:
    """Stacks that have a file, in alphabetical order."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in FOLDER.glob("Pulumi.*.yaml"))


def from_pulumi() -> StackConfig:
    """Read the configuration that Pulumi passes to the program. Raises `pulumi.RunError` with one problem a line."""
    import pulumi
    from pulumi.runtime import config as runtime

    texts = {**runtime.get_config_env(), **runtime.CONFIG.get()}
    try:
        return parse(named({key: _decoded(text) for key, text in texts.items()}))
    except InvalidInput as error:
        raise pulumi.RunError("\n".join(error.problems)) from None


def _decoded(text: Any) -> Any:
    """Pulumi passes mappings and lists as JSON, everything else as text."""
    return json.loads(text) if isinstance(text, str) and text[:1] in ("{", "[") else text


def named(config: Mapping[str, Any]) -> dict[str, Any]:
    """Sections by name, from the full keys of a configuration. Raises InvalidInput for keys that nobody reads."""
    cloud = config.get(f"{PROJECT}:cloud", DEFAULT_CLOUD)
    sections: dict[str, Any] = {}
    problems: list[str] = []
    for key, value in config.items():
        namespace, _, name = key.partition(":")
        if any(key in keys for keys in PROVIDER_KEYS.values()):
            sections[key] = value
        elif namespace == PROJECT:
            sections[name] = value
        elif namespace in CLOUDS:
            problems.append(_not_read(key, cloud if cloud in CLOUDS else namespace))
        elif namespace != "pulumi":
            problems.append(f"`{key}`: unknown key. Sections are written {PROJECT}:<section>.")
    if problems:
        raise InvalidInput(problems)
    return sections
