"""The one pod template of all jobs: security, volumes, environment, devices. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from components import program as programs
from components import workload_slices
from components.workload_environment import variables

if TYPE_CHECKING:
    from components.workload import Workload

PROGRAM_FOLDER, VOLUME_FOLDER = "/program", "/volume"
PORT = 29500
"""Where rank 0 listens; the customary port of distributed training."""
USER = 1000
TEMPORARY = "/tmp"  # noqa: S108 - an emptyDir of the pod
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"


def pod_template(work: Workload, job: str, result: str) -> dict[str, Any]:
    """`job` and `result` are names: of the Job, and of the ConfigMap that rank 0 writes."""
    shared_mib = int(work.share["memory"].removesuffix("Mi")) // 4
    annotations = {**work.placement.annotations, **_scraped(work)}
    volume = {"persistentVolumeClaim": {"claimName": work.claim}} if work.claim else {"emptyDir": {}}
    return {
        "metadata": {
            "labels": dict(work.labels),
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {
            "restartPolicy": "Never",
            **({"terminationGracePeriodSeconds": work.grace_seconds} if work.grace_seconds else {}),
            "subdomain": work.name,
            "serviceAccountName": work.name,
            "nodeSelector": work.placement.selector,
            "tolerations": work.placement.tolerations,
            **({"priorityClassName": work.run.priority} if work.run.priority else {}),
            **_near(work),
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "fsGroupChangePolicy": "OnRootMismatch",  # a file system of many files is not walked each time
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            # A sidecar is an init container that is started again: it does not keep the job from ending.
            **({"initContainers": [dict(one) for one in work.placement.sidecars]} if work.placement.sidecars else {}),
            "containers": [_container(work, job, result)],
            "volumes": [
                {
                    "name": "program",
                    "configMap": {"name": f"{job}-program", "items": programs.items(work.program)},
                },
                {"name": "temporary", "emptyDir": {}},
                {"name": "volume", **volume},
                # Ranks on one node exchange data here; the runtime's default of 64 MiB is too small for that.
                {"name": "shared", "emptyDir": {"medium": "Memory", "sizeLimit": f"{shared_mib}Mi"}},
                *({"name": one.name, "hostPath": {"path": one.path}} for one in work.placement.host_folders),
            ],
        },
    }


def _scraped(work: Workload) -> dict[str, str]:
    """The customary annotations by which Prometheus finds a pod; it takes the first port, a PodMonitor can name all."""
    if not work.metrics_ports:
        return {}
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(work.metrics_ports[0])}


def _near(work: Workload) -> dict[str, Any]:
    """Pods of the job close to each other; a JobSet says it for the whole set by an annotation."""
    if slices := workload_slices.together(work.placement, dict(work.labels), work.run.launcher):
        return slices
    if not work.run.topology or work.run.launcher == "jobset":
        return {}
    term = {"labelSelector": {"matchLabels": dict(work.labels)}, "topologyKey": work.run.topology}
    weighted = {"weight": 100, "podAffinityTerm": term}
    return {"affinity": {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [weighted]}}}


def _command(work: Workload) -> list[str]:
    """What the pod runs, after the pool's own setup where it has one."""
    setup = work.placement.setup
    return [*(["bash", "-c", f'{setup} && exec "$0" "$@"'] if setup else []), *work.command]


def _container(work: Workload, job: str, result: str) -> dict[str, Any]:
    host, tpu = work.host(job), work.placement.vendor == "google"
    values = {
        "WORLD_SIZE": str(work.ranks),
        "MASTER_ADDR": host.format(slice=0, index=0),
        "MASTER_PORT": str(PORT),
        "RESULT_CONFIGMAP": result,
        "PYTHONPATH": PROGRAM_FOLDER,
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": TEMPORARY,
        **variables(work.placement, work.pods_per_node, host),
        **(workload_slices.variables(work.placement, host, work.slices) if tpu else {}),
        **work.placement.environment,
        **work.environment,
    }
    index = f"metadata.annotations['{INDEX_ANNOTATION}']"
    fields = {"POD_NAMESPACE": "metadata.namespace", "NODE_NAME": "spec.nodeName"}
    if tpu and workload_slices.WORKER_ID not in values:
        fields[workload_slices.WORKER_ID] = index
    environment = workload_slices.first_fields(work.slices)
    environment += [{"name": name, "value": value} for name, value in values.items()]
    environment += [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
    return {
        "name": "main",
        "image": work.image,
        "command": _command(work),
        "env": environment,
        "resources": {"requests": work.share, "limits": work.share},
        **(
            {"ports": [{"name": f"metrics-{n}", "containerPort": one} for n, one in enumerate(work.metrics_ports)]}
            if work.metrics_ports
            else {}
        ),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "program", "mountPath": PROGRAM_FOLDER, "readOnly": True},
            {"name": "temporary", "mountPath": TEMPORARY},
            {"name": "volume", "mountPath": VOLUME_FOLDER},
            {"name": "shared", "mountPath": "/dev/shm"},  # noqa: S108 - the pod's own
            *(
                {"name": one.name, "mountPath": one.mount, "readOnly": not one.writable}
                for one in work.placement.host_folders
                if one.mount
            ),
        ],
    }
