"""A stack that has nothing of Google Cloud loads nothing of it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
import operations.up, operations.down, operations.status, operations.leftovers
import sandbox.aws.server, sandbox.aws.tokens, sandbox.kubernetes.nodes, sandbox.node.fleet, sandbox.overview
import sandbox.providers.aws.provider, sandbox.supervisor
found = [name for name in sys.modules if name.startswith(("pulumi_gcp", "sandbox.providers.gcp", "sandbox.gcp."))]
print(found)
"""


def test_commands_and_daemons_of_aws_stacks_load_no_part_of_google_cloud() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
