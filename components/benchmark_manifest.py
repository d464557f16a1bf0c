"""The benchmark's Kubernetes objects as plain data. Pure: no Pulumi, no cluster.

An Indexed Job with a headless Service: pod i is `<job>-<i>.<service>`, pod 0 is where the others meet. The pods ask for
whole shares of their nodes, all fabric interfaces included, so where those are missing the job waits instead of
measuring something else. The Job is named by the hash of all that makes it up: a change makes a new Job, nothing
else does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.placement import Placement

PROGRAM_FOLDER = "/bench"
PORT = 29500
"""Where rank 0 listens; the customary port of distributed training."""
USER = 1000
RETRIES = 2
TEMPORARY = "/tmp"  # noqa: S108 - an emptyDir of the pod


@dataclass(frozen=True)
class Benchmark:
    """Everything that makes up a benchmark of one pool."""

    name: str
    image: str
    ranks: int
    placement: Placement
    deadline_seconds: int
    program: Mapping[str, str]
    """File name -> text."""
    labels: Mapping[str, str]

    @property
    def pods_per_node(self) -> int:
        return math.ceil(self.ranks / max(self.placement.nodes, 1))

    @property
    def share(self) -> dict[str, str]:
        """Resources of one pod. Raises ValueError when the ranks do not divide a node's devices."""
        return self.placement.share(self.pods_per_node)

    @property
    def job(self) -> str:
        """Name of the Job: changes with anything in it."""
        hardware = self.placement.instance.name  # other machines are accepted anew, even for the same pod
        parts = [self._template("", ""), dict(self.program), self.ranks, self.deadline_seconds, hardware]
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

    def job_spec(self) -> Any:
        """`spec` of the Job."""
        return {
            "completionMode": "Indexed",
            "completions": self.ranks,
            "parallelism": self.ranks,
            "backoffLimit": RETRIES,
            "activeDeadlineSeconds": self.deadline_seconds,
            "podReplacementPolicy": "Failed",
            # A node taken back (spot, end of a block, repair) is not the program's failure.
            "podFailurePolicy": {
                "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
            },
            "template": self._template(self.job, self.result),
        }

    def service_spec(self) -> Any:
        """`spec` of the headless Service: names exist before the pods are ready, or nobody could meet."""
        return {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": self.job},
            "ports": [{"name": "rendezvous", "port": PORT, "protocol": "TCP"}],
        }

    def quota(self) -> dict[str, str]:
        """What the namespace may ask for: one run. Extended resources can only be limited as requests."""
        extended = {name: count for name, count in self.share.items() if "/" in name}
        return {f"requests.{name}": str(int(count) * self.ranks) for name, count in extended.items()}

    def _template(self, job: str, result: str) -> dict[str, Any]:
        shared_mib = int(self.share["memory"].removesuffix("Mi")) // 4
        return {
            "metadata": {"labels": dict(self.labels)},
            "spec": {
                "restartPolicy": "Never",
                "subdomain": self.name,
                "serviceAccountName": self.name,
                "nodeSelector": self.placement.selector,
                "tolerations": self.placement.tolerations,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": USER,
                    "runAsGroup": USER,
                    "fsGroup": USER,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [self._container(job, result)],
                "volumes": [
                    {"name": "program", "configMap": {"name": f"{job}-program"}},
                    {"name": "temporary", "emptyDir": {}},
                    # Ranks on one node exchange data here; the runtime's default of 64 MiB is too small for that.
                    {"name": "shared", "emptyDir": {"medium": "Memory", "sizeLimit": f"{shared_mib}Mi"}},
                ],
            },
        }

    def _container(self, job: str, result: str) -> dict[str, Any]:
        values = {
            "WORLD_SIZE": str(self.ranks),
            "MASTER_ADDR": f"{job}-0.{self.name}",
            "MASTER_PORT": str(PORT),
            "RESULT_CONFIGMAP": result,
            "BENCH_IMAGE": self.image,
            "HOME": TEMPORARY,
        }
        fields = {"POD_NAMESPACE": "metadata.namespace", "NODE_NAME": "spec.nodeName"}
        environment: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in values.items()]
        environment += [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
        return {
            "name": "benchmark",
            "image": self.image,
            "command": ["python", f"{PROGRAM_FOLDER}/main.py"],
            "env": environment,
            "resources": {"requests": self.share, "limits": self.share},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "volumeMounts": [
                {"name": "program", "mountPath": PROGRAM_FOLDER, "readOnly": True},
                {"name": "temporary", "mountPath": TEMPORARY},
                {"name": "shared", "mountPath": "/dev/shm"},  # noqa: S108 - the pod's own
            ],
        }
