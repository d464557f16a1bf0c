"""How a node reaches a Lustre file system through EFA: a script that runs when it boots. Pure.

The client of the kernel speaks TCP unless LNet is told of the EFA interfaces before the first mount. The steps are
AWS's (FSx for Lustre User Guide, "Configuring EFA clients"; EKS User Guide, "Optimize Amazon FSx for Lustre performance
on nodes (EFA)"; read 2026-11-30), written out: what AWS offers for download has no version and no checksum. Options of
modules are those of "Performance tips" for clients with more than 64 processors. Tuning that needs a mount is left out:
the CSI driver mounts when the first pod comes.

A node whose client cannot be set up joins all the same and mounts over TCP; the acceptance benchmark finds it. The EKS
images start the kubelet only after cloud-init has run its scripts (awslabs/amazon-eks-ami, nodeadm-run.service).
"""

from __future__ import annotations

from catalog.instance import Instance

MANY_PROCESSORS = 64
PER_BOOT = "/var/lib/cloud/scripts/per-boot/lustre-over-efa"
"""cloud-init runs user data once and what lies here at every boot; LNet forgets at a reboot."""
TUNED = """cat > /etc/modprobe.d/lustre-over-efa.conf <<'OPTIONS'
options ptlrpc ptlrpcd_per_cpt_max=32
options ksocklnd credits=2560
OPTIONS
"""
SCRIPT = """#!/bin/bash
# The Lustre client of this node through EFA; it goes on over TCP when this fails.
set -euo pipefail
[ "$0" = {per_boot} ] || install -D -m 0755 "$0" {per_boot}
command -v lnetctl > /dev/null || dnf install -y lustre-client
{tuned}ethernet=$(ip -4 route show default | awk '{{print $5; exit}}')
modprobe lnet
modprobe kefalnd ipif_name="$ethernet"
modprobe ksocklnd
lnetctl lnet configure
lnetctl net del --net tcp 2> /dev/null || true
lnetctl net add --net tcp --if "$ethernet"
# {wanted} of the EFA interfaces, evenly over the PCI buses: the other ones are left to the jobs alone.
for device in /sys/class/infiniband/*; do
  [ "$(basename "$(realpath "$device/device/driver")")" != efa ] || basename "$device"
done | sort -V | awk -v wanted={wanted} '
  {{ found[NR] = $0 }}
  END {{ if (NR < wanted) wanted = NR; for (i = 0; i < wanted; i++) print found[int(i * NR / wanted) + 1] }}
' | while read -r device; do
  lnetctl net add --net efa --if "$device" --peer-credits 32
done
lnetctl set discovery 1
lnetctl udsp add --src efa --priority 0
modprobe lustre
lnetctl net show
"""


def script(instance: Instance) -> str | None:
    """The script for a type; None when AWS gives its Lustre client no EFA interface."""
    wanted = instance.fsx_lustre_efa_interfaces
    if not wanted:
        return None
    tuned = TUNED if instance.vcpus > MANY_PROCESSORS else ""
    return SCRIPT.format(per_boot=PER_BOOT, wanted=wanted, tuned=tuned)
