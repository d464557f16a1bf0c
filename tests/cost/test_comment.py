"""Promises about the comment on a pull request, against a small GitHub and GitLab on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlparse

import pytest
import typer
from typer.testing import CliRunner

from cost import comment
from terminal import InvalidInput, UserError

MARKER = "<!-- ai-datacenter cost: dev -->"


class Service(BaseHTTPRequestHandler):
    """Keeps comments, lists them in pages, answers the first calls with 503."""

    comments: ClassVar[list[dict[str, Any]]] = []
    calls: ClassVar[list[tuple[str, str]]] = []
    failing = 0
    token: str | None = None

    def _handle(self) -> None:
        kind, asked = type(self), urlparse(self.path)
        kind.calls.append((self.command, asked.path))
        kind.token = self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN")
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if len(kind.calls) <= kind.failing:
            self._answer(503, {"message": "busy"})
        elif self.command == "GET":
            query = parse_qs(asked.query)
            size, page = int(query["per_page"][0]), int(query["page"][0])
            self._answer(200, kind.comments[(page - 1) * size : page * size])
        elif self.command == "POST":
            kind.comments.append({"id": len(kind.comments) + 1, "body": sent["body"]})
            self._answer(201, kind.comments[-1])
        else:
            entry = kind.comments[int(asked.path.rsplit("/", 1)[1]) - 1]
            entry["body"] = sent["body"]
            self._answer(200, entry)

    do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 - names of the base class

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Service.comments, Service.failing = [], 0
    Service.calls.clear()
    server = HTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def place(address: str, service: str) -> comment.Place:
    if service == "github":
        return comment.github({"GITHUB_TOKEN": "t", "GITHUB_API_URL": address}, "owner/name", 7)
    return comment.gitlab({"COMMENT_TOKEN": "t", "CI_API_V4_URL": address}, "owner/name", 7)


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_a_second_run_updates_the_first_ones_comment_and_leaves_the_others_alone(address: str, service: str) -> None:
    where = place(address, service)
    Service.comments = [{"id": 1, "body": "nice work"}, {"id": 2, "body": f"quoted: {MARKER}"}]
    assert comment.renew(where, f"{MARKER}\n## 100 USD\n") == "made"
    assert comment.renew(where, f"{MARKER}\n## 200 USD\n") == "updated"
    assert comment.renew(where, f"{MARKER}\n## 200 USD\n") == "unchanged"
    assert [entry["body"] for entry in Service.comments] == [
        "nice work",
        f"quoted: {MARKER}",
        f"{MARKER}\n## 200 USD\n",
    ]
    assert "t" in (Service.token or "")


def test_the_old_comment_is_found_on_a_later_page(address: str) -> None:
    Service.comments = [{"id": n + 1, "body": "other"} for n in range(comment.PAGE)]
    Service.comments.append({"id": comment.PAGE + 1, "body": f"{MARKER}\nold"})
    assert comment.renew(place(address, "github"), f"{MARKER}\nnew") == "updated"
    assert Service.comments[-1]["body"] == f"{MARKER}\nnew"


def test_a_busy_service_is_asked_again(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Service.failing = 1
    assert comment.renew(place(address, "github"), f"{MARKER}\nx") == "made"


def test_a_service_that_stays_busy_is_one_message(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comment, "ATTEMPTS", 1)
    Service.failing = 100
    with pytest.raises(UserError, match="GET http"):
        comment.renew(place(address, "github"), f"{MARKER}\nx")
    assert Service.comments == []


def test_a_comment_that_is_too_long_is_cut_and_says_so(address: str) -> None:
    comment.renew(place(address, "github"), f"{MARKER}\n" + "x" * 70_000)
    body = Service.comments[0]["body"]
    assert len(body) <= comment.LONGEST["github"]
    assert "left out" in body


def test_a_text_without_a_marker_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput, match="marker"):
        comment.renew(place(address, "github"), "## 100 USD")
    assert Service.calls == []


def test_everything_that_is_missing_is_named_at_once() -> None:
    with pytest.raises(InvalidInput) as raised:
        comment.github({}, None, None)
    assert len(raised.value.problems) == 3


def test_the_command_takes_the_number_of_the_pull_request_from_the_workflow(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"GITHUB_TOKEN": "t", "GITHUB_API_URL": address, "GITHUB_REPOSITORY": "o/n",
                        "GITHUB_REF": "refs/pull/12/merge"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GITLAB_CI", raising=False)
    file = tmp_path / "comment.md"
    file.write_text(f"{MARKER}\n## cost\n", encoding="utf-8")
    app = typer.Typer()
    app.command()(comment.main)
    found = CliRunner().invoke(app, [str(file)])
    assert (found.exit_code, found.output) == (0, "comment made\n")
    assert ("POST", "/repos/o/n/issues/12/comments") in Service.calls
