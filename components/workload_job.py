"""A job on a pool with all it stands on: namespace, quota, account with its rights, program, volume, Service, Job.

The base of the benchmark, training, preparation and evaluation jobs, which differ in what they run. A job is not waited
for: the stack exports where its result will be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ConfigMap, ResourceQuota, Service, ServiceAccount
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding
from pydantic import Field

from components import file_system_volume, program, tags
from components.file_system_volume import CLAIM, VolumeSource
from components.namespace import Namespace, to_api
from components.placement import Placement
from components.site import Site
from components.spec import Image, Name, Problem, Spec
from components.workload import JOBSET_API, Launcher, Run, Workload
from components.workload_ray import RAY_API, operator_ingress

SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
KUEUE_API = "kueue.x-k8s.io/v1beta1"


class JobSpec(Spec):
    """What every job says, whatever it runs."""

    runs_on_ray: ClassVar[bool] = False
    """Whether its program can use a Ray cluster."""
    image: Image = Field(description="Container image with Python and what the job imports, with tag or digest.")
    launcher: Launcher = Field(
        "job",
        description="job: an Indexed Job; jobset: a JobSet, which starts all pods anew together (the stack installs "
        "its controller); kueue: a Job that waits for its queue; ray (preprocess only): a RayJob of KubeRay. The "
        "controllers of Kueue and KubeRay are yours to install.",
    )
    queue: Name | None = Field(
        None, description="Cluster queue of Kueue that admits the job, with any launcher but job. It is yours."
    )
    priority: Name | None = Field(None, description="PriorityClass of the pods.")
    topology: str | None = Field(
        None,
        description="Label of nodes within which the pods stay together where there is room, such as "
        "topology.k8s.aws/network-node-layer-3; with jobset no other JobSet may share it.",
    )
    retries: int = Field(2, ge=0, description="How often pods (jobset: the whole set) are started again.")

    def problems(self) -> Iterator[Problem]:
        if self.launcher == "kueue" and self.queue is None:
            yield Problem(("launcher",), "kueue needs a queue that lets the job in. Name it under queue.")
        elif self.launcher == "job" and self.queue is not None:
            yield Problem(
                ("queue",), f"{self.queue} lets nothing in with launcher: job. Write launcher: kueue or jobset."
            )
        if self.launcher == "ray" and not self.runs_on_ray:
            yield Problem(("launcher",), "ray runs preparations of data only. Write job, jobset or kueue.")

    def run(self, deadline_minutes: int | None) -> Run:
        return Run(
            launcher=self.launcher,
            queue=self.queue,
            priority=self.priority,
            topology=self.topology,
            retries=self.retries,
            deadline_seconds=deadline_minutes * 60 if deadline_minutes else None,
        )


@dataclass(frozen=True)
class Ground:
    """What jobs stand on: the same for all of a stack."""

    site: Site
    placements: Mapping[str, Placement]
    """By pool."""
    api_cidrs: Sequence[str]
    """Where the Kubernetes API may be: the only place beyond its own pods that a job may reach."""
    file_system: VolumeSource | None = None
    after: Mapping[str, Sequence[pulumi.Resource]] = field(default_factory=dict)
    """By pool: the pool and its plugins, which must outlive the job."""
    services: Sequence[pulumi.Resource] = ()
    """Nodes that are open to what serves the whole cluster."""
    jobset: pulumi.Resource | None = None
    """JobSet's controller, where a job asks for it."""

    def claim(self, pool: str) -> str | None:
        """The claim of a job on this pool; None where it finds no file system."""
        return CLAIM if self.file_system and self.placements[pool].mounts_file_system else None


class WorkloadJob(pulumi.ComponentResource):
    """A job, and where it will say how it went."""

    namespace: str
    job: str
    result: str
    """Name of the ConfigMap that rank 0 writes; key `result.json`."""

    def __init__(
        self,
        kind: str,
        name: str,
        plan: Workload,
        *,
        ground: Ground,
        pool: str,
        part: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`kind` is the component's type, `part` the label of what this belongs to."""
        super().__init__(kind, name, None, opts)
        self._name, self._ground = name, ground
        self.namespace, self.job, self.result = plan.name, plan.pod_job, plan.result
        child = pulumi.ResourceOptions(parent=self)
        place = Namespace(
            name,
            plan.name,
            site=ground.site,
            part=part,
            pod_security=plan.placement.pod_security,
            egress=[to_api(ground.api_cidrs)] if ground.api_cidrs else [],
            after=ground.after.get(pool, ()),
            opts=child,
        )
        if quota := plan.quota():
            ResourceQuota(
                f"{name}-quota", metadata=self._meta(plan, place, plan.name), spec={"hard": quota}, opts=child
            )
        ready = [*self._rights(plan, place), *self._volume(plan, place), *self._network(plan, place)]
        ready.append(
            ConfigMap(
                f"{name}-program",
                metadata=self._meta(plan, place, plan.program_map),
                data=program.keys(plan.program),
                immutable=True,
                opts=child,
            )
        )
        if plan.run.launcher == "jobset" and ground.jobset:
            ready.append(ground.jobset)
        self._start(plan, place, pulumi.ResourceOptions(parent=self, depends_on=ready))
        self.register_outputs({"namespace": self.namespace, "job": self.job, "result": self.result})

    @property
    def whereabouts(self) -> dict[str, str]:
        """What the stack exports."""
        return {"namespace": self.namespace, "job": self.job, "result": self.result}

    def _start(self, plan: Workload, place: Namespace, opts: pulumi.ResourceOptions) -> None:
        meta = self._meta(plan, place, plan.job, SKIP_AWAIT, plan.job_labels())
        if plan.run.suspended:
            opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["spec.suspend"]))
        if plan.run.launcher == "jobset":
            CustomResource(f"{self._name}-job", JOBSET_API, "JobSet", metadata=meta, spec=plan.jobset_spec(), opts=opts)
        elif plan.run.launcher == "ray":
            CustomResource(f"{self._name}-job", RAY_API, "RayJob", metadata=meta, spec=plan.ray_spec(), opts=opts)
        else:
            Job(f"{self._name}-job", metadata=meta, spec=plan.job_spec(), opts=opts)

    def _network(self, plan: Workload, place: Namespace) -> list[pulumi.Resource]:
        """The Service by which pods find each other (a JobSet makes its own), and the way into Kueue's queue."""
        child = pulumi.ResourceOptions(parent=self)
        made: list[pulumi.Resource] = []
        if plan.run.launcher == "ray":
            meta, spec = self._meta(plan, place, "ray-operator"), operator_ingress(dict(plan.labels))
            made.append(NetworkPolicy(f"{self._name}-operator", metadata=meta, spec=spec, opts=child))
        elif plan.run.launcher != "jobset":
            meta = self._meta(plan, place, plan.name, SKIP_AWAIT)
            made.append(Service(f"{self._name}-service", metadata=meta, spec=plan.service_spec(), opts=child))
        if plan.metrics_ports:
            meta, spec = self._meta(plan, place, "metrics"), plan.scraping()
            made.append(NetworkPolicy(f"{self._name}-metrics", metadata=meta, spec=spec, opts=child))
        if plan.run.queue:
            meta = self._meta(plan, place, plan.run.queue)
            queue = {"clusterQueue": plan.run.queue}
            made.append(
                CustomResource(f"{self._name}-queue", KUEUE_API, "LocalQueue", metadata=meta, spec=queue, opts=child)
            )
        return made

    def _volume(self, plan: Workload, place: Namespace) -> list[pulumi.Resource]:
        if not (plan.claim and self._ground.file_system):
            return []
        child = pulumi.ResourceOptions(parent=self)
        site, source = self._ground.site, self._ground.file_system
        return [file_system_volume.mount(self._name, place, plan.name, source, site=site, opts=child)]

    def _rights(self, plan: Workload, place: Namespace) -> list[pulumi.Resource]:
        """A service account that may write the result of this run and nothing else."""
        child = pulumi.ResourceOptions(parent=self)
        meta = self._meta(plan, place, plan.name)
        account = ServiceAccount(f"{self._name}-account", metadata=meta, opts=child)
        role = Role(
            f"{self._name}-role",
            metadata=meta,
            rules=[
                # The API cannot tell names of objects that are still to be made.
                {"api_groups": [""], "resources": ["configmaps"], "verbs": ["create"]},
                {
                    "api_groups": [""],
                    "resources": ["configmaps"],
                    "resource_names": [plan.result],
                    "verbs": ["get", "update", "patch"],
                },
            ],
            opts=child,
        )
        binding = RoleBinding(
            f"{self._name}-binding",
            metadata=meta,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": plan.name, "namespace": plan.name}],
            opts=child,
        )
        return [account, binding]

    @staticmethod
    def _meta(
        plan: Workload,
        place: Namespace,
        name: str,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Any:
        meta = {"name": name, "namespace": place.name, "labels": dict(labels or plan.labels)}
        return {**meta, "annotations": dict(annotations)} if annotations else meta


def labels(site: Site, part: str, pool: str) -> dict[str, str]:
    """Of every object of a job."""
    return tags.labels(site, part, pool=pool)
