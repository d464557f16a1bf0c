"""Ports for what tests start: of two test processes at once, no two get the same.

A port that was found free stays so only until somebody listens on it, and a daemon takes seconds to get there:
meanwhile another worker of xdist could find it free as well, or the kernel could give it to a connection. So a block is
claimed until this process ends, by its first number over UDP, which nothing here uses; and all lie below the numbers
that the kernel gives out.
"""

from __future__ import annotations

import socket

FIRST, LAST = 17000, 32000
BLOCK = 10
CLAIMS: list[socket.socket] = []


def block(first: int = FIRST) -> int:
    """The first of ten ports in a row that are free and stay this process's own."""
    for start in range(first, LAST, BLOCK):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", start))
        except OSError:
            claim.close()
            continue
        if all(map(free, range(start, start + BLOCK))):
            CLAIMS.append(claim)
            return start
        claim.close()
    raise AssertionError("this machine has no ten free ports in a row")


def free(port: int) -> bool:
    """Whether the port can be listened on, on all addresses; connections that have ended do not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
