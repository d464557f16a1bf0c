"""A small stack for fault tests, a `make up` that is watched while it runs, and the proof that nothing was doubled."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from sandbox import processes
from tests.e2e.checkout import Checkout

NAME = "local-small"
FILE = """\
config:
  aws:region: us-east-1
  aws:allowedAccountIds: ["123456789012"]
  ai-datacenter:site: {name: small, environment: sandbox, owner: platform, cost-center: research}
  ai-datacenter:network:
    cidr: 10.30.0.0/16
    zones: [us-east-1a, us-east-1b]
    nat: single
    flow-log-retention-days: 7
  ai-datacenter:cluster:
    admins: ["arn:aws:iam::123456789012:user/moto"]
    deletion-protection: false
    log-retention-days: 7
  ai-datacenter:system-pools:
    general: {instance-type: m7i.xlarge, nodes: 1, root-volume-gib: 50}
    bench:
      instance-type: c7i.2xlarge
      nodes: 1
      zones: [us-east-1a]
      dedicated: true
      root-volume-gib: 50
  ai-datacenter:budget: {monthly-usd: 100000}
  ai-datacenter:policies: {profile: sandbox}
"""
BENCHMARK = """\
  ai-datacenter:benchmark:
    bench: {image: "ai-datacenter/benchmark-cpu:local", ranks: 2, deadline-minutes: 20}
"""
LIMIT_S = 600
"""Nothing that is waited for takes longer; a hang becomes a failure."""
STARTED: list[Watched] = []
CREATED = re.compile(r"^ *\+\+? +\S+ .*\bcreated\b")


@contextmanager
def small_stack(more: str = "") -> Iterator[Checkout]:
    """A checkout of one's own with the small stack's file; nothing runs in it yet."""
    checkout = Checkout.fresh()
    try:
        checkout.write(f"stacks/Pulumi.{NAME}.yaml", FILE + more)
        yield checkout
    finally:
        _end_all(checkout)
        checkout.remove()


def _end_all(checkout: Checkout) -> None:
    """A test that failed half-way leaves commands and engines that run."""
    while STARTED:
        watched = STARTED.pop()
        watched.process.kill()
        watched.process.wait()
    processes.end(_found(checkout), grace=0.0)


def up(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    return checkout.run("operations", "up", "--stack", NAME)


def goes_on(checkout: Checkout) -> str:
    """The next `make up` ends well, leaves no orphan and nothing twice. Returns what it said."""
    done = up(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert strays(checkout) == {}
    assert_consistent(checkout)
    return done.stdout + done.stderr


class Watched:
    """A `make up` under way: its lines as they come."""

    def __init__(self, checkout: Checkout) -> None:
        self.process = checkout.start("operations", "up", "--stack", NAME)
        STARTED.append(self)
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def created(self) -> int:
        return sum(CREATED.match(line) is not None for line in self.lines)

    def until_created(self, count: int) -> None:
        """Return when the engine has reported so many resources as created."""
        self.until_created_or_ended(count)
        assert self.created >= count, f"ended or hung after {self.created} resources:\n{self.text}"

    def until_created_or_ended(self, count: int) -> None:
        with self._news:
            self._news.wait_for(lambda: self.created >= count or self._ended, LIMIT_S)

    def until_line(self, text: str) -> None:
        """Return when a line with this text was written."""
        with self._news:
            self._news.wait_for(lambda: text in self.text or self._ended, LIMIT_S)
        assert text in self.text, self.text

    def engine(self) -> psutil.Process:
        (found,) = [one for one in psutil.Process(self.process.pid).children() if one.name() == "pulumi"]
        return found

    def interrupt(self) -> None:
        """Ctrl-C: the terminal tells every process of the group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """The exit code, when the process has ended and all who held its output too."""
        code = self.process.wait(LIMIT_S)
        self._reader.join(LIMIT_S)
        return code


def strays(checkout: Checkout) -> dict[int, str]:
    """Processes of this checkout other than its daemons that are still there after a while for their end."""
    return wait_for(lambda: None if _found(checkout) else {}, otherwise=lambda: _found(checkout))


def _found(checkout: Checkout) -> dict[int, str]:
    """Engines, language hosts and plugins that work for this checkout."""
    known, home = processes.ours(checkout.settings), str(checkout.settings.pulumi_home)
    found = {}
    for process in psutil.process_iter():
        try:
            ours = process.environ().get("PULUMI_HOME") == home
            if ours and process.pid not in known and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline())[:200]
        except (psutil.Error, OSError):
            continue
    return found


def wait_for(ask: Callable[[], Any], otherwise: Callable[[], Any], limit: float = 120.0) -> Any:
    """The first answer that is not None; after the limit what `otherwise` says."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if (answer := ask()) is not None:
            return answer
        time.sleep(0.2)
    return otherwise()


SCRIPT = """
import json, boto3
from sandbox.providers.aws import leftovers
from sandbox.providers.aws.types import RECORDS
session = boto3.Session(region_name="us-east-1")
print(json.dumps({
    "tagged": [[one.urn, one.id] for one in leftovers.find(session)],
    "ids": [id for ids in leftovers.inventory(session).values() for id in ids],
    "listed": [kind for kind, record in RECORDS.items() if record.listing],
}))
"""


def assert_consistent(checkout: Checkout) -> None:
    """Every object of the cloud belongs to one resource of the state, and no resource of the state is missing."""
    script = Path(checkout.folder) / "objects.py"
    script.write_text(SCRIPT, encoding="utf-8")
    text = checkout.shell(f"PYTHONPATH=. .venv/bin/python objects.py; pulumi stack export --stack {NAME}").stdout
    cloud, end = json.JSONDecoder().raw_decode(text)
    deployment = json.loads(text[end:])["deployment"]
    assert not deployment.get("pending_operations")
    managed = {entry["urn"]: entry for entry in deployment["resources"] if entry.get("custom")}
    doubled = [urn for urn, count in Counter(urn for urn, _ in cloud["tagged"]).items() if count > 1]
    assert doubled == [], f"doubled: {doubled}"
    strangers = [one for one in cloud["tagged"] if managed.get(one[0], {}).get("id") != one[1]]
    assert strangers == [], f"strangers: {strangers}"
    gone = [u for u, e in managed.items() if e["type"] in cloud["listed"] and e["id"] not in cloud["ids"]]
    assert gone == [], f"gone: {gone}"


def faults(checkout: Checkout, *entries: dict[str, Any]) -> None:
    """Make the local AWS API misbehave; without entries it behaves again."""
    _ask(checkout, "PUT", "faults", list(entries))


def shown_faults(checkout: Checkout) -> list[dict[str, Any]]:
    """The faults with how often each hit."""
    return _ask(checkout, "GET", "faults")


def _ask(checkout: Checkout, method: str, path: str, body: Any = None) -> Any:
    import urllib.request

    url = f"{checkout.settings.aws_url}/_sandbox/{path}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=LIMIT_S) as answer:
        return json.load(answer)
