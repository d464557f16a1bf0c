from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import yaml

from sandbox.kubernetes import stages
from sandbox.settings import Settings


def stage(name: str) -> dict[str, Any]:
    return next(one for one in stages.stages() if one["metadata"]["name"] == name)


def test_a_pod_can_succeed_or_fail_but_not_both() -> None:
    done, failed = stage("pod-complete"), stage("pod-fail")
    values = [one["spec"]["selector"]["matchExpressions"][-1]["values"] for one in (done, failed)]
    assert values == [["Succeeded"], ["Failed"]]
    keys = {one["spec"]["selector"]["matchExpressions"][-1]["key"] for one in (done, failed)}
    assert len(keys) == 1


def test_the_exit_code_of_a_failing_pod_is_that_of_its_annotation() -> None:
    template = stage("pod-fail")["spec"]["next"]["statusTemplate"]
    assert f'exitCode: {{{{ index $root.metadata.annotations "{stages.EXIT_CODE}" }}}}' in template
    assert "exitCode: 0" in stage("pod-complete")["spec"]["next"]["statusTemplate"]


def test_the_run_time_is_that_of_the_annotation() -> None:
    for name in ("pod-complete", "pod-fail"):
        assert stages.RUN_FOR in stage(name)["spec"]["delay"]["durationFrom"]["jq"]["expression"]


def test_no_placeholder_is_left() -> None:
    assert "@" not in yaml.safe_dump_all(stages.stages())


def test_the_configuration_lets_nobody_run_a_command() -> None:
    kinds = {document["kind"] for document in stages.configuration(Path("/log"))}
    assert kinds == {"ClusterLogs", "Stage"}


def test_the_log_of_a_simulated_pod_says_that_nothing_ran(tmp_path: Path) -> None:
    settings = Settings(tmp_path, tmp_path, 20000)
    assert stages.write(settings)
    assert not stages.write(settings)
    documents = list(yaml.safe_load_all(stages.path(settings).read_text()))
    [logs] = [document for document in documents if document["kind"] == "ClusterLogs"]
    text = Path(logs["spec"]["logs"][0]["logsFile"]).read_text()
    assert "simulated" in text
    assert "no program ran" in text


def test_log_lines_have_the_form_of_the_container_runtime_interface() -> None:
    at = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert stages.cri_log(("one", "two"), at) == (
        "2026-01-02T03:04:05Z stdout F one\n2026-01-02T03:04:05Z stdout F two\n"
    )
