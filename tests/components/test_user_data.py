"""What a node is told when it boots."""

from __future__ import annotations

import base64
import email
from email.message import Message

import pytest
import yaml

from catalog import instances
from components.user_data import LARGEST, node_config, user_data


def parts(kind: str) -> list[Message]:
    encoded = user_data(node_config(instances[kind]))
    assert encoded is not None
    raw = base64.b64decode(encoded, validate=True)
    assert len(raw) <= LARGEST
    message = email.message_from_bytes(raw)
    assert message.get_content_type() == "multipart/mixed"
    return [part for part in message.walk() if not part.is_multipart()]


def test_local_disks_become_one_striped_volume() -> None:
    (part,) = parts("p5.48xlarge")
    assert part.get_content_type() == "application/node.eks.aws"
    config = yaml.safe_load(str(part.get_payload()))
    assert config["apiVersion"] == "node.eks.aws/v1alpha1"
    assert config["kind"] == "NodeConfig"
    assert config["spec"]["instance"]["localStorage"]["strategy"] == "RAID0"


@pytest.mark.parametrize("kind", ["m7i.xlarge", "c7i.2xlarge"])
def test_a_node_without_local_disks_is_told_nothing(kind: str) -> None:
    assert user_data(node_config(instances[kind])) is None


def test_the_same_node_is_always_told_the_same() -> None:
    """A random MIME boundary would make a new launch template, and roll the nodes, at every update."""
    config = node_config(instances["p5.48xlarge"])
    assert user_data(config) == user_data(config)
