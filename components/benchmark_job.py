"""The acceptance benchmark of one pool: a Job that says whether the money buys what the catalog promises.

Holds the namespace with its rights, the program as a ConfigMap, the Service and the Job. The program itself is
`training/bench`; its files travel as text, read when the stack is planned. The Job is not waited for: the stack exports
where its result will be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import ConfigMap, ResourceQuota, Service, ServiceAccount
from pulumi_kubernetes.rbac.v1 import Role, RoleBinding
from pydantic import Field

from components import tags
from components.benchmark_manifest import Benchmark
from components.namespace import Namespace
from components.placement import Placement
from components.site import Site
from components.spec import Image, Spec

PROGRAM = Path(__file__).resolve().parent.parent / "training" / "bench"
SKIP_AWAIT = {"pulumi.com/skipAwait": "true"}
COMPONENT = "benchmark"


class BenchmarkSpec(Spec):
    """What runs on a pool to accept it."""

    image: Image = Field(description="Image with Python and JAX for the pool's accelerators, with tag or digest.")
    ranks: int | None = Field(
        None, ge=1, description="Processes, each with an even share of its node. Default: one a node."
    )
    deadline_minutes: int = Field(30, ge=1, description="Minutes after which a run counts as failed.")


def read_program(folder: Path = PROGRAM) -> dict[str, str]:
    """The program's files as text. Raises FileNotFoundError when there is no main.py."""
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.py"))}
    if "main.py" not in files:
        raise FileNotFoundError(f"{folder}: no benchmark program (main.py) there")
    return files


def benchmark(spec: BenchmarkSpec, placement: Placement, site: Site, program: Mapping[str, str]) -> Benchmark:
    """The benchmark of a pool as plain data."""
    pool = placement.pool
    return Benchmark(
        name=f"benchmark-{pool}",
        image=spec.image,
        ranks=spec.ranks or max(placement.nodes, 1),
        placement=placement,
        deadline_seconds=spec.deadline_minutes * 60,
        program=program,
        labels=tags.labels(site, COMPONENT, pool=pool),
    )


class BenchmarkJob(pulumi.ComponentResource):
    """A run of the benchmark on a pool, and where it will say how it went."""

    namespace: str
    job: str
    result: str
    """Name of the ConfigMap that the run writes; key `result.json`."""

    def __init__(
        self,
        name: str,
        spec: BenchmarkSpec,
        *,
        placement: Placement,
        site: Site,
        api_cidrs: Sequence[str],
        after: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`api_cidrs`: where the Kubernetes API may be: the only place beyond its own pods that a run may reach.
        `after`: the pool and its plugins, which must outlive the run."""
        super().__init__("aidc:benchmark_job:BenchmarkJob", name, None, opts)
        self._name = name
        plan = benchmark(spec, placement, site, read_program())
        self.namespace, self.job, self.result = plan.name, plan.job, plan.result
        child = pulumi.ResourceOptions(parent=self)
        place = Namespace(name, plan.name, site=site, part=COMPONENT, api_cidrs=api_cidrs, after=after, opts=child)
        if quota := plan.quota():
            ResourceQuota(
                f"{name}-quota", metadata=self._meta(plan, place, plan.name), spec={"hard": quota}, opts=child
            )
        ready = [
            *self._rights(plan, place),
            ConfigMap(
                f"{name}-program",
                metadata=self._meta(plan, place, plan.program_map),
                data=dict(plan.program),
                immutable=True,
                opts=child,
            ),
            Service(
                f"{name}-service",
                metadata=self._meta(plan, place, plan.name, SKIP_AWAIT),
                spec=plan.service_spec(),
                opts=child,
            ),
        ]
        Job(
            f"{name}-job",
            metadata=self._meta(plan, place, plan.job, SKIP_AWAIT),
            spec=plan.job_spec(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
        )
        self.register_outputs({"namespace": self.namespace, "job": self.job, "result": self.result})

    def _rights(self, plan: Benchmark, place: Namespace) -> list[pulumi.Resource]:
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
    def _meta(plan: Benchmark, place: Namespace, name: str, annotations: Mapping[str, str] | None = None) -> Any:
        meta = {"name": name, "namespace": place.name, "labels": dict(plan.labels)}
        return {**meta, "annotations": dict(annotations)} if annotations else meta
