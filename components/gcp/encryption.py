"""Encryption keys on Google Cloud: a key ring and one key a purpose, rotated, usable only by the service that needs it.

Key rings cannot be deleted at Google; destroying a stack forgets them and schedules the versions of its keys for
destruction (Cloud KMS documentation, "Key destruction").
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_gcp import kms

from components.gcp import labels
from components.gcp.project import GcpSite

ROTATION = f"{90 * 24 * 3600}s"
"""Ninety days, as CIS Google Cloud benchmark 1.10 asks."""
DESTROY_AFTER = f"{30 * 24 * 3600}s"
ROLE = "roles/cloudkms.cryptoKeyEncrypterDecrypter"


class EncryptionKey(pulumi.ComponentResource):
    """A symmetric key, rotated every ninety days, and who may use it."""

    id: pulumi.Output[str]
    """Known once its users may use it."""

    def __init__(
        self,
        name: str,
        *,
        site: GcpSite,
        part: str,
        users: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`part` is the component the key belongs to; `users` are IAM members by role in it, such as storage."""
        super().__init__("aidc:gcp/encryption:EncryptionKey", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        ring = kms.KeyRing(f"{name}-ring", location=site.region, opts=child)
        key = kms.CryptoKey(
            f"{name}-key",
            key_ring=ring.id,
            purpose="ENCRYPT_DECRYPT",
            rotation_period=ROTATION,
            destroy_scheduled_duration=DESTROY_AFTER,
            labels=labels.component(part),
            opts=child,
        )
        allowed = [
            kms.CryptoKeyIAMMember(f"{name}-{use}", crypto_key_id=key.id, role=ROLE, member=member, opts=child)
            for use, member in users.items()
        ]
        grants = [grant.etag for grant in allowed]
        self.id = pulumi.Output.all(key.id, *grants).apply(lambda parts: parts[0])
        self.register_outputs({"id": self.id})
