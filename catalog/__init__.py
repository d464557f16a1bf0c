"""Facts with a date and a source: machines, interface plans, prices, power, carbon, versions, limits.

The facts are the CSV tables in `catalog/data`; the modules are typed lookups over them and hold none themselves. Tables
are read on first use. Import the lookups from here: `from catalog import instances, efa_plans, prices, power, carbon`.
Imports neither boto3 nor Pulumi.
"""

from __future__ import annotations

from catalog import benchmarks, carbon, lustre, power, prices
from catalog.efa import efa_plans
from catalog.gcp_machine import gcp_machines
from catalog.instance import UnknownInstance, instances
from catalog.limit import limits
from catalog.release import eks_versions, releases
from catalog.table import CatalogError, UnknownName
from catalog.tpu import tpus
from catalog.ultraserver import ultraservers

__all__ = [
    "CatalogError",
    "UnknownInstance",
    "UnknownName",
    "benchmarks",
    "carbon",
    "efa_plans",
    "eks_versions",
    "gcp_machines",
    "instances",
    "limits",
    "lustre",
    "power",
    "prices",
    "releases",
    "tpus",
    "ultraservers",
]
