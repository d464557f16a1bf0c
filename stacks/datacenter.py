"""From a stack file to a data center: each cloud has a bill of materials of its own, and only that one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stacks.config import StackConfig


def build(config: StackConfig) -> dict[str, Any]:
    """Declare everything the stack file asks for; returns the stack's outputs."""
    if config.cloud == "gcp":
        from stacks import gcp

        return gcp.build(config)
    from stacks import aws

    return aws.build(config)
