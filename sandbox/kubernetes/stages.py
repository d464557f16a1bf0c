"""The configuration file of kwok: how simulated nodes and pods live, and what the logs of such pods say.

The stages themselves are in stages.yaml. Nothing here lets anyone run a command: kwok could start programs of this
machine in the name of a simulated pod (`ClusterExec`), its endpoint asks no one for a certificate, so that is left out.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import yaml

from sandbox.kubernetes.pki import write_if_changed
from sandbox.settings import Settings

SIMULATED_LABEL, SIMULATED_VALUE = "sandbox.dc/node", "simulated"
SIMULATED_SELECTOR = f"{SIMULATED_LABEL}={SIMULATED_VALUE}"
RUN_FOR = "sandbox.dc/run-for"
EXIT_CODE = "sandbox.dc/exit-code"
NOTICE = (
    "This pod is simulated: a real scheduler placed it on a simulated node, its status follows a script,",
    "and no program ran. Nothing was measured. Pods on the process node (pool `bench`) run for real.",
)
API_VERSION = "kwok.x-k8s.io/v1alpha1"


def path(settings: Settings) -> Path:
    """Where the configuration lies."""
    return settings.state / "kwok.yaml"


def write(settings: Settings) -> bool:
    """Write the configuration and the log that every simulated pod shows. Returns whether anything was written."""
    notice = settings.state / "simulated-pod.log"
    made = not notice.exists() and write_if_changed(notice, cri_log(NOTICE, dt.datetime.now(dt.UTC)))
    text = yaml.safe_dump_all(configuration(notice), sort_keys=False)
    return write_if_changed(path(settings), text) or made


def configuration(notice: Path) -> list[dict[str, Any]]:
    """All documents of the file: logs and stages.

    No KwokConfiguration: with one, kwok takes no default for what the document does not name.
    """
    logs = {
        "kind": "ClusterLogs",
        "apiVersion": API_VERSION,
        "metadata": {"name": "simulated"},
        "spec": {"logs": [{"logsFile": str(notice), "follow": False}]},
    }
    return [logs, *stages()]


def stages() -> list[dict[str, Any]]:
    """The stages, with the completion of pods unfolded into a succeeding and a failing one."""
    text = Path(__file__).with_name("stages.yaml").read_text(encoding="utf-8")
    documents: list[dict[str, Any]] = []
    for part in text.split("\n---\n"):
        if "@PHASE@" not in part:
            documents.append(yaml.safe_load(part))
            continue
        code = f'{{{{ index $root.metadata.annotations "{EXIT_CODE}" }}}}'
        for name, phase, reason, exit_code in (
            ("pod-complete", "Succeeded", "Completed", "0"),
            ("pod-fail", "Failed", "Error", code),
        ):
            filled = part.replace("@PHASE@", phase).replace("@REASON@", reason).replace("@EXIT_CODE@", exit_code)
            documents.append(yaml.safe_load(filled) | {"metadata": {"name": name}})
    return documents


def cri_log(lines: tuple[str, ...], at: dt.datetime) -> str:
    """Lines in the log format of the container runtime interface, which kwok reads: time, stream, F(ull line), text."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return "".join(f"{stamp} stdout F {line}\n" for line in lines)
