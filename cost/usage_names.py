"""Which resources a name of a usage file means: logical names, wildcards, and addresses as Terraform writes them.

`gateway`, `network-*-nat`, `aws_nat_gateway.gateway[0]`, `module.vpc.aws_nat_gateway.this["a"]`. What stands before the
last dot is Terraform's name of a type, or a Pulumi token, and then only resources of that type are meant.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache

from cost.terraform import terraform_type

TERRAFORM = re.compile(r"(aws|google|azurerm|kubernetes)_\w+")
INDEX = re.compile(r"(\[[^\]]*\])+$")
OUTSIDE = re.compile(r"""\.(?![^\[]*\])""")
"""A dot that is not between brackets."""


@cache
def matches(pattern: str, name: str, kind: str = "") -> bool:
    """Whether a name of a usage file means the resource of this name and type."""
    if name == pattern or _wild(pattern, name):
        return True
    if ":" in pattern:
        token, _, last = pattern.rpartition(".")
        return token == kind and _last(last, name)
    *before, last = OUTSIDE.split(pattern)
    if not before:
        return _last(last, name)
    if TERRAFORM.fullmatch(before[-1]):
        # A type that nobody here knows by this name cannot tell resources apart: the exact name decides.
        stranger = "*" not in last and (not kind or not is_known(before[-1]))
        return _last(last, name) and (stranger or is_type(before[-1], kind))
    return name == INDEX.sub("", last)


def last_part(pattern: str) -> str:
    """The part of a name that is the resource's own, without an index."""
    return INDEX.sub("", OUTSIDE.split(pattern)[-1])


def _last(part: str, name: str) -> bool:
    """`gateway[0]` and `this["a"]` are the resource `gateway` or `this`; `web[*]` is all of them."""
    bare = INDEX.sub("", part)
    return name in (part, bare) or _wild(bare, name) or _wild(part.replace("[*]", "*"), name)


def _wild(pattern: str, name: str) -> bool:
    return "*" in pattern and fnmatchcase(name, pattern.replace("[", "[[]"))


def is_type(given: str, token: str) -> bool:
    """Whether a name is that of a type: its token, or what Terraform calls it."""
    return given in (token, terraform_type(token))


@cache
def known_names() -> frozenset[str]:
    """Terraform's name of every type with a rate or without cost."""
    return frozenset(map(terraform_type, _tokens()))


@cache
def is_known(given: str) -> bool:
    """Whether a type of this name is known here at all."""
    return given in known_names() or given in _tokens()


@cache
def _tokens() -> frozenset[str]:
    from cost import registry

    return frozenset((*registry.types(), *registry.free_types()))
