"""Where the local cloud keeps its things and on which ports it listens.

Everything derives from three environment variables, so that two sandboxes can live side by side (tests do):
`AIDC_STATE` (state, logs, keys; default `.sandbox` in the checkout), `AIDC_CACHE` (tools, shared by all checkouts;
default `$XDG_CACHE_HOME/ai-datacenter`), `AIDC_PORT` (first of ten ports; default 16440).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
ACCOUNT = "123456789012"
"""The account that moto serves. `aws:allowedAccountIds` of the local stack names it: no real account can be meant."""
ACCESS_KEY, SECRET_KEY = "test", "test"
REGION = "us-east-1"
"""Where the `aws` command looks when it is told nothing; stacks name their region themselves."""
PASSPHRASE = "local"  # noqa: S105 - protects nothing: the local stack holds no secret worth keeping
DEFAULT_PORT = 16440


@dataclass(frozen=True)
class Settings:
    """One sandbox. All addresses are on loopback."""

    state: Path
    cache: Path
    port: int

    @classmethod
    def load(cls) -> Settings:
        """Read the environment. Raises ValueError with one line when AIDC_PORT is not a usable port."""
        text = os.environ.get("AIDC_PORT", str(DEFAULT_PORT))
        if not text.isdigit() or not 1024 <= int(text) <= 65525:
            raise ValueError(f"AIDC_PORT: {text} is not a port; give a number from 1024 to 65525 (ten ports are used)")
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(
            state=Path(os.environ.get("AIDC_STATE", REPOSITORY / ".sandbox")).resolve(),
            cache=Path(os.environ.get("AIDC_CACHE", Path(cache) / "ai-datacenter")).resolve(),
            port=int(text),
        )

    @property
    def ports(self) -> dict[str, int]:
        """Port of each listener by name."""
        names = ("apiserver", "etcd", "etcd-peer", "controller-manager", "scheduler", "kwok", "kubelet", "aws")
        return {name: self.port + offset for offset, name in enumerate((*names, "jobset", "jobset-health"))}

    @property
    def kubernetes_url(self) -> str:
        return f"https://127.0.0.1:{self.ports['apiserver']}"

    @property
    def aws_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['aws']}"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def pulumi_home(self) -> Path:
        """A PULUMI_HOME of our own: other stacks of the user keep the official plugins."""
        return self.state / "pulumi-home"

    @property
    def backend(self) -> Path:
        """Pulumi's file state backend."""
        return self.state / "pulumi-state"
