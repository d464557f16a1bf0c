"""What several types have in common: rules about names, and values that Google makes up."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator

from sandbox.providers.gcp.record import Resource, Rule
from sandbox.providers.protocol import Problem

PROJECT_NUMBER = "123456789012"
"""The number of the local project."""
LABEL = re.compile(r"[a-z0-9_-]{0,63}\Z")
LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")


def number(text: str) -> int:
    """A number that Google would make up; always the same for the same text."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16)


def address(text: str, first: int = 10, second: int = 200) -> str:
    """A private IPv4 address that Google would choose."""
    made = number(text)
    return f"{first}.{second}.{made >> 8 & 255}.{made & 254 | 1}"


def named(name: str, longest: int = 63, shortest: int = 1) -> Rule:
    """A name of lower-case letters, digits and hyphens. https://cloud.google.com/compute/docs/naming-resources"""
    pattern = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")

    def rule(resource: Resource) -> Iterator[Problem]:
        given = resource.known(name)
        if given is not None and not (pattern.match(str(given)) and shortest <= len(str(given)) <= longest):
            reason = f"{shortest} to {longest} lower-case letters, digits and hyphens, beginning with a letter"
            yield Problem(name, f"{name}: {given} is not allowed; give {reason}")

    return rule


def labelled(*paths: str) -> Rule:
    """Labels of Google's character set. https://cloud.google.com/resource-manager/docs/labels-overview"""

    def rule(resource: Resource) -> Iterator[Problem]:
        for path in paths:
            for key, value in (resource.known(path) or {}).items():
                if not LABEL_KEY.match(key) or not LABEL.match(str(value)):
                    how = "up to 63 lower-case letters, digits, _ and -, the key beginning with a letter"
                    yield Problem(path, f"{path}: {key}={value} is not allowed; give {how}")

    return rule
