"""The ways to build the training image; each takes a `Build` and pushes it. None is used unless asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Build:
    """What is to be built, and where it goes."""

    content: Mapping[str, bytes]
    """The build context: name -> content."""
    repository: str
    """Address of the repository, without a tag."""
    tag: str
    base: str
    """The base image, pinned by digest."""
    revision: str
    """Commit of the toolkit, for the image's label."""
    expect: str = ""
    """What the verifier in the image must find: cuda, efa, neuron, tpu, comma separated."""
    platform: str = "linux/amd64"

    @property
    def name(self) -> str:
        return f"{self.repository}:{self.tag}"

    @property
    def arguments(self) -> dict[str, str]:
        """Build arguments of the Dockerfile."""
        return {"BASE": self.base, "REVISION": self.revision, "EXPECT": self.expect}
