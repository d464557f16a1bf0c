"""Buckets for what outlives nodes, as a stack file asks for them, whatever the cloud.

Holds no resources: the buckets are `components.object_store` on AWS and `components.gcp.object_store` on Google.
"""

from __future__ import annotations

from pydantic import Field

from components.spec import Spec

DATA_CLASSES = {"data": "dataset", "checkpoints": "checkpoint", "models": "model"}
"""The buckets, and the class of data in each."""


class ObjectStoreSpec(Spec):
    """How long things are kept, and how hard they are to lose."""

    checkpoint_days: int | None = Field(
        None, ge=1, description="Days after which checkpoints are deleted. Default: they are kept."
    )
    old_version_days: int = Field(
        30, ge=1, description="Days an overwritten or deleted object can still be brought back."
    )
    access_log_days: int = Field(90, ge=1, description="Days the buckets' access logs are kept.")
    protect: bool = Field(True, description="Whether Pulumi refuses to delete the buckets.")
    delete_with_contents: bool = Field(
        False, description="Whether deleting the stack deletes buckets that hold objects. Only for throw-away stacks."
    )
