"""What Pulumi runs: read the stack file, declare the data center, export what others need."""

from __future__ import annotations

import pulumi

from stacks import config, datacenter

for name, value in datacenter.build(config.from_pulumi()).items():
    pulumi.export(name, value)
