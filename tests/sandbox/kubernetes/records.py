"""Node group records as `/_sandbox/nodegroups` answers them."""

from __future__ import annotations

from typing import Any


def record(**changes: Any) -> dict[str, Any]:
    """A group of two p5.48xlarge without a launch template, with changes."""
    base = {
        "nodegroupName": "h100",
        "nodegroupArn": f"arn:aws:eks:us-east-1:123456789012:nodegroup/dc/{changes.get('nodegroupName', 'h100')}/1",
        "clusterName": "dc",
        "region": "us-east-1",
        "capacityType": "ON_DEMAND",
        "instanceTypes": ["p5.48xlarge"],
        "scalingConfig": {"minSize": 0, "maxSize": 9, "desiredSize": 2},
        "subnetZones": [{"zone": "us-east-1a", "zoneId": "use1-az6"}],
        "labels": {"dc/pool": "h100"},
        "taints": [],
        "releaseVersion": "1.33-1",
        "template": {},
    }
    return {**base, **changes}
