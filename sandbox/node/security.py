"""Who a container runs as and what it may do: the pod's and container's `securityContext`.

Pure. Leaves out SELinux, AppArmor and seccomp profiles: they only take rights away, and this machine may lack them.
"""

from __future__ import annotations

import pwd
from dataclasses import dataclass

from sandbox.node.api import Object
from sandbox.node.environment import ConfigProblem

# linux/capability.h, in the order of their numbers
CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
DEFAULT = frozenset({
    "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_RAW",
    "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP",
})  # fmt: skip
"""What container runtimes give, but for MKNOD: they guard it with a device filter that there is none of here."""


@dataclass(frozen=True)
class Identity:
    """What the shim needs to know."""

    user: int
    group: int
    groups: list[int]
    capabilities: list[int] | None
    new_privileges: bool
    read_only_root: bool
    home: str


def identity(pod: Object, container: Object) -> Identity:
    """The container's rights. Raises ConfigProblem when it must not run as root and would."""
    whole, own = pod["spec"].get("securityContext") or {}, container.get("securityContext") or {}
    both = whole | {key: value for key, value in own.items() if value is not None}
    user = both.get("runAsUser", 0)
    if both.get("runAsNonRoot") and user == 0:
        raise ConfigProblem(f"container {container['name']}: runAsNonRoot, and no runAsUser other than 0 is given")
    groups = [*(whole.get("supplementalGroups") or []), *([whole["fsGroup"]] if "fsGroup" in whole else [])]
    privileged = bool(own.get("privileged"))
    return Identity(
        user=user,
        group=both.get("runAsGroup", 0),
        groups=groups,
        capabilities=None if privileged else capabilities(own.get("capabilities") or {}),
        new_privileges=privileged or own.get("allowPrivilegeEscalation", True),
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        home=home(user),
    )


def capabilities(change: Object) -> list[int]:
    """Numbers of the capabilities left after `drop` and `add`; `ALL` means every one."""
    dropped, added = _names(change.get("drop")), _names(change.get("add"))
    left = (DEFAULT - dropped) | added
    return sorted(CAPABILITIES.index(name) for name in left if name in CAPABILITIES)


def home(user: int) -> str:
    """The user's home as this machine's user table has it, `/` for a user it does not know."""
    try:
        return pwd.getpwuid(user).pw_dir
    except KeyError:
        return "/"


def _names(given: list[str] | None) -> frozenset[str]:
    names = {name.upper().removeprefix("CAP_") for name in given or []}
    return frozenset(CAPABILITIES) if "ALL" in names else frozenset(names)
