"""A job over the pods of a pool as plain Kubernetes objects: one pod template for every kind of job. Pure.

An Indexed Job with a headless Service: pod i is `<job>-<i>.<service>`, pod 0 is where the others meet. With `jobset`
the same Job stands in a JobSet, which starts it anew as a whole; with `kueue` it is suspended until its queue lets it
in. Pods ask for whole shares of their nodes, all fabric interfaces included, so where those are missing the job waits
instead of running slowly. A job is named by the hash of all that makes it up: a change makes a new one, nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from components import workload_ray, workload_slices
from components.placement import Placement
from components.workload_pod import PORT, pod_template

Launcher = Literal["job", "jobset", "kueue", "ray"]
NOT_MEETING = ("env", "-u", "WORLD_SIZE", "-u", "MASTER_ADDR", "-u", "MASTER_PORT")
"""Begins the command of pods that form no run together, such as the trials of a search."""
JOBSET_API = "jobset.x-k8s.io/v1alpha2"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
MONITORING_LABEL = "dc/monitoring"
EXCLUSIVE = "alpha.jobset.sigs.k8s.io/exclusive-topology"
REPLICATED = "r"
"""Name of the one replicated job of a JobSet: short, for it becomes part of the names of pods."""


@dataclass(frozen=True)
class Run:
    """What the user may say of how a job runs, whatever it does."""

    launcher: Launcher = "job"
    queue: str | None = None
    """Kueue's queue; it makes no sense without `kueue` (or JobSet under Kueue)."""
    priority: str | None = None
    """PriorityClass."""
    topology: str | None = None
    """Node label within which the job stays when it can (jobset: exclusively); None: wherever there is room."""
    retries: int = 2
    deadline_seconds: int | None = None
    held: bool = False
    """Created suspended: somebody lets it go (`make up`, when the pool is accepted)."""

    @property
    def suspended(self) -> bool:
        """Whether it is created suspended; who starts it changes `suspend` then, which is no drift."""
        return self.held or self.launcher == "kueue"


@dataclass(frozen=True)
class Workload:
    """Everything that makes up a job."""

    name: str
    """Of namespace, Service and account; the Job adds a hash."""
    image: str
    command: Sequence[str]
    ranks: int
    """Pods."""
    placement: Placement
    program: Mapping[str, str]
    """Path -> text, below `/program`."""
    labels: Mapping[str, str]
    run: Run = field(default_factory=Run)
    environment: Mapping[str, str] = field(default_factory=dict)
    claim: str | None = None
    """Claim mounted at `/volume`; None: an empty folder of each pod."""
    fail_on: tuple[int, ...] = (2,)
    """Exit codes that no retry mends: wrong settings."""
    indexes: int | None = None
    """Pods that there will have been, when they are more than the `ranks` that run at a time; None: they are those."""
    no_failure: tuple[int, ...] = ()
    """Exit codes that a pod is started again after, however often: it was asked to stop and has saved its work."""
    grace_seconds: int | None = None
    """How long a pod that is asked to stop may go on; None: Kubernetes' 30 s."""
    metrics_ports: Sequence[int] = ()
    """Where Prometheus finds the figures of the pod's processes, one after the other."""
    identity: Mapping[str, Any] = field(default_factory=dict)
    """What makes a new job beside the pod: things that the pod does not show."""

    @property
    def pods_per_node(self) -> int:
        return self.placement.pods_per_node(self.ranks)

    @property
    def share(self) -> dict[str, str]:
        """Resources of one pod. Raises ValueError when the ranks do not divide a node's devices."""
        return self.placement.share(self.pods_per_node)

    @property
    def job(self) -> str:
        """Name of the Job or JobSet: changes with anything in it."""
        hardware = self.placement.instance.name  # other machines are accepted anew, even for the same pod
        parts = [
            pod_template(self, "", ""),
            dict(self.program),
            self.ranks,
            self.indexes,
            hardware,
            repr(self.run),
            dict(self.identity),
        ]
        content = json.dumps(parts, sort_keys=True)
        return f"{self.name}-{hashlib.sha256(content.encode()).hexdigest()[:10]}"

    @property
    def result(self) -> str:
        """Name of the ConfigMap that rank 0 writes, key `result.json`."""
        return f"{self.job}-result"

    @property
    def program_map(self) -> str:
        """Name of the ConfigMap with the program."""
        return f"{self.job}-program"

    @property
    def pod_job(self) -> str:
        """The Job whose pods these are: a JobSet names its own."""
        return f"{self.job}-{REPLICATED}-0" if self.run.launcher == "jobset" else self.job

    @property
    def slices(self) -> int:
        """TPU slices that the job spans; each is a Job of its own in the JobSet."""
        return workload_slices.spanned(self.placement, self.ranks, self.pods_per_node, self.run.launcher)

    def host(self, job: str) -> str:
        """Name of a pod among the pods, with `{index}` for its index and, in a JobSet, `{slice}` for its Job's."""
        middle = f"-{REPLICATED}-{{slice}}" if self.run.launcher == "jobset" else ""
        return f"{job}{middle}-{{index}}.{self.name}"

    def job_spec(self) -> Any:
        """`spec` of the Job."""
        # By index: what takes one pod away ends the processes of all others, which must not use up the retries.
        spec = self._inner() | {"backoffLimitPerIndex": self.run.retries, "maxFailedIndexes": 0}
        if self.run.deadline_seconds:
            spec["activeDeadlineSeconds"] = self.run.deadline_seconds
        return spec | ({"suspend": True} if self.run.suspended else {})

    def job_labels(self) -> dict[str, str]:
        return {**self.labels, **({QUEUE_LABEL: self.run.queue} if self.run.queue else {})}

    def jobset_spec(self) -> Any:
        """`spec` of the JobSet: the Job fails with its first pod, and the set starts it anew as a whole."""
        inner = self._inner() | {"backoffLimit": 0}
        if self.run.deadline_seconds:
            inner["activeDeadlineSeconds"] = self.run.deadline_seconds
        topology = self.run.topology or workload_slices.exclusive_topology(self.placement)
        exclusive = {EXCLUSIVE: topology} if topology else {}
        return {
            "replicatedJobs": [
                {
                    "name": REPLICATED,
                    "replicas": self.slices,
                    "template": {"metadata": {"annotations": exclusive, "labels": dict(self.labels)}, "spec": inner},
                }
            ],
            "network": {"enableDNSHostnames": True, "subdomain": self.name, "publishNotReadyAddresses": True},
            "failurePolicy": {
                "maxRestarts": self.run.retries,
                "rules": [
                    {
                        "name": "settings",
                        "action": "FailJobSet",
                        "onJobFailureReasons": ["PodFailurePolicy"],
                    },
                ],
            },
            **({"suspend": True} if self.run.held else {}),
        }

    def ray_spec(self) -> Any:
        """`spec` of the RayJob."""
        run = self.run
        return workload_ray.job_spec(
            pod_template(self, self.job, self.result),
            self.command,
            self.ranks,
            retries=run.retries,
            deadline_seconds=run.deadline_seconds,
            held=run.held,
        )

    def service_spec(self) -> Any:
        """`spec` of the headless Service: names exist before the pods are ready, or nobody could meet."""
        return {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": self.pod_job},
            "ports": [{"name": "rendezvous", "port": PORT, "protocol": "TCP"}],
        }

    def scraping(self) -> Any:
        """`spec` of the network policy that lets monitoring read the figures: pods of namespaces with its label."""
        ports = [{"protocol": "TCP", "port": port} for port in self.metrics_ports]
        peer = {"namespaceSelector": {"matchLabels": {MONITORING_LABEL: "true"}}}
        return {
            "podSelector": {"matchLabels": dict(self.labels)},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [peer], "ports": ports}],
        }

    def quota(self) -> dict[str, str]:
        """What the namespace may ask for: one run. Extended resources can only be limited as requests."""
        extended = {name: count for name, count in self.share.items() if "/" in name}
        return {f"requests.{name}": str(int(count) * self.ranks) for name, count in extended.items()}

    def _inner(self) -> dict[str, Any]:
        return {
            "completionMode": "Indexed",
            "completions": self.indexes or self.ranks // self.slices,
            "parallelism": self.ranks // self.slices,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": [
                    # A node taken back (spot, end of a block, repair) is not the program's failure.
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {"action": "FailJob", "onExitCodes": {"operator": "In", "values": list(self.fail_on)}},
                    *(
                        [{"action": "Ignore", "onExitCodes": {"operator": "In", "values": list(self.no_failure)}}]
                        if self.no_failure
                        else []
                    ),
                ]
            },
            "template": pod_template(self, self.job, self.result),
        }
