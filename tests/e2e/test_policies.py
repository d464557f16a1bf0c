"""The real engine with the pack, the pack without an engine and the pack over the state say the same."""

from __future__ import annotations

import json

from tests.e2e.conftest import Deployed

CONFIGURATION = """
import json, sys
import cost
from plan import offline
from policies.check import engine_configuration
wanted = offline.run("local")
json.dump(engine_configuration(wanted.config, cost.estimate(wanted)), open(sys.argv[1], "w"))
"""


def test_engine_and_state_runs_give_the_same_findings(deployed: Deployed) -> None:
    checkout = deployed.checkout
    folder = checkout.folder
    checkout.run("policies.check", "--stack", "local", check=True)
    (folder / "configure.py").write_text(CONFIGURATION, encoding="utf-8")
    shell = checkout.shell
    shell("PYTHONPATH=. .venv/bin/python configure.py policy.json")
    shell(
        "PULUMI_DEBUG_COMMANDS=true pulumi preview --stack local --policy-pack policies "
        "--policy-pack-config policy.json --event-log events.json"
    )
    engine = set()
    for line in (folder / "events.json").read_text(encoding="utf-8").splitlines():
        event = json.loads(line).get("policyEvent")
        if event and "cannot tell" not in event["message"]:
            engine.add((event["policyName"], event.get("resourceUrn", "")))
    shell("pulumi stack export --stack local --file state.json")
    result = checkout.run("policies.check", "--state", "state.json", "--stack", "local", "--format", "json", check=True)
    free = {(entry["rule"], entry["urn"]) for entry in json.loads(result.stdout)["findings"]}
    assert engine == free
    assert engine
