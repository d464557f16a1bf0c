"""Which nodes this process plays: those of the emulated EKS node groups of pool `bench`, or the ones given by name.

A node that is no longer wanted lets no new pods in, ends its pods, and goes. While the AWS API is away nothing is
removed; while the Kubernetes API is away everything goes on as it is.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from sandbox.kubernetes import nodegroups
from sandbox.kubernetes.nodegroups import BENCH_POOL, DesiredNode
from sandbox.node import registration
from sandbox.node.agent import Agent
from sandbox.node.api import ApiError
from sandbox.node.registration import HEARTBEAT_SECONDS, Player, Registration

log = logging.getLogger(__name__)
PAUSE = 1.0
LOOK_SECONDS = 5.0
"""Between looks at the nodes the API has, for those that an earlier agent left."""


@dataclass
class _Node:
    registration: Registration
    stop: threading.Event
    beat_at: float = 0.0


@dataclass
class Fleet:
    """The nodes of one agent."""

    agent: Agent
    names: list[str]
    """Nodes to play whatever the AWS API says; empty: ask it."""
    player: Player
    _nodes: dict[str, _Node] = field(default_factory=dict)
    _leaving: set[str] = field(default_factory=set)
    _told: dict[str, str] = field(default_factory=dict)
    _looked_at: float = float("-inf")

    def run(self, ended: threading.Event) -> None:
        """Keep in step until `ended`, or until there is nothing left to keep in step with."""
        while not ended.is_set():
            if self.agent.abandoned:
                log.error("the state folder is gone: ending")
                return
            self.round()
            ended.wait(PAUSE)

    def round(self) -> None:
        """Compare what is wanted with what is, and act."""
        wanted, doubtful = self._wanted()
        try:
            if wanted is not None:
                self._keep(wanted, doubtful)
            self._beat()
            self._tell("Kubernetes API", "")
        except ApiError as problem:
            self._tell("Kubernetes API", str(problem))

    def _wanted(self) -> tuple[dict[str, DesiredNode] | None, set[str]]:
        """The nodes that should be, None while nobody can say; and groups whose nodes must be left alone."""
        if self.names:
            return {name: registration.named(name, self.player.machine) for name in self.names}, set()
        try:
            inventory = nodegroups.read(self.agent.settings)
        except (OSError, ValueError, KeyError) as problem:
            self._tell("AWS API", str(problem))
            return None, set()
        self._tell("AWS API", "")
        return {node.name: node for node in inventory.nodes if node.pool == BENCH_POOL}, set(inventory.unknown)

    def _keep(self, wanted: dict[str, DesiredNode], doubtful: set[str]) -> None:
        wanted = {name: registration.without_devices(node) for name, node in wanted.items()}
        self._leaving |= {name for name in self._known() if name not in wanted and not self._belongs(name, doubtful)}
        for name, one in self._nodes.items():
            if name in wanted and one.registration.node.generation != wanted[name].generation:
                self._leaving.add(name)  # EC2 would replace the instance: the node goes, and comes back empty
        for name in sorted(self._leaving):
            self._see_off(name)
        for name, node in wanted.items():
            if name not in self._leaving:
                self._have(node)

    def _known(self) -> set[str]:
        """Nodes that are, wherever they come from."""
        found = set(self._nodes) | self.agent.nodes()
        if time.monotonic() - self._looked_at > LOOK_SECONDS:
            found |= registration.registered(self.agent.api, self.player)
            self._looked_at = time.monotonic()
        return found

    def _belongs(self, name: str, groups: set[str]) -> bool:
        return name in self._nodes and self._nodes[name].registration.node.group in groups

    def _have(self, node: DesiredNode) -> None:
        known = self._nodes.get(node.name)
        if known and known.registration.node == node:
            return
        entry = Registration(self.agent.api, node, self.player)
        entry.register()
        if known:
            known.registration = entry
            log.info("node %s: brought up to date", node.name)
        else:
            self._nodes[node.name] = _Node(entry, self.agent.follow(node.name))
            log.info("node %s: registered", node.name)

    def _see_off(self, name: str) -> None:
        registration.close_down(self.agent.api, name)
        if not self.agent.drain(name):
            return
        registration.remove(self.agent.api, name)
        known = self._nodes.pop(name, None)
        if known:
            known.stop.set()
        self._leaving.discard(name)
        log.info("node %s: removed", name)

    def _beat(self) -> None:
        for one in self._nodes.values():
            if time.monotonic() - one.beat_at > HEARTBEAT_SECONDS:
                one.registration.heartbeat()
                one.beat_at = time.monotonic()

    def _tell(self, who: str, problem: str) -> None:
        """One line when something is away and one when it is back."""
        if problem and not self._told.get(who):
            log.warning("%s: %s; trying again", who, problem)
        elif not problem and self._told.get(who):
            log.info("%s: back", who)
        self._told[who] = problem
