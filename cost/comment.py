"""`python -m cost.comment FILE`: one comment on a pull or merge request that every run renews.

The first line of FILE is a marker that does not show, `<!-- ... -->`, as `--format markdown` writes it. The comment
that begins with it is updated, or made when there is none; comments of others are never touched. Where to is taken from
what GitHub Actions and GitLab CI set; in GitHub Actions the number of the pull request is in GITHUB_REF.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from terminal import InvalidInput, UserError, guarded, out

MARKER = re.compile(r"<!-- \S.* -->")
PAGE, TIMEOUT_S, ATTEMPTS = 100, 30, 5
RETRIED = (429, 500, 502, 503, 504)
LONGEST = {"github": 65_536, "gitlab": 1_000_000}
"""Characters that a comment may have."""
CUT = "\n\n> The rest is left out: a comment may not be longer.\n"
Done = Literal["made", "updated", "unchanged"]


@dataclass(frozen=True)
class Place:
    """Where a comment goes."""

    service: Literal["github", "gitlab"]
    comments: str
    """Address of the comments of one request."""
    edited: str
    """Address of one comment, `{id}` in it."""
    headers: Mapping[str, str]
    update: Literal["PATCH", "PUT"]


def github(env: Mapping[str, str], repository: str | None, number: int | None) -> Place:
    """A pull request of GitHub. Raises InvalidInput with everything that is missing."""
    token = env.get("GITHUB_TOKEN") or env.get("GH_TOKEN")
    repository = repository or env.get("GITHUB_REPOSITORY")
    in_ref = re.fullmatch(r"refs/pull/(\d+)/\w+", env.get("GITHUB_REF", ""))
    number = number or (int(in_ref[1]) if in_ref else None)
    _complete({"GITHUB_TOKEN": token, "--repository OWNER/NAME": repository, "--number": number})
    api = f"{env.get('GITHUB_API_URL', 'https://api.github.com')}/repos/{repository}/issues"
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    return Place("github", f"{api}/{number}/comments", f"{api}/comments/{{id}}", headers, "PATCH")


def gitlab(env: Mapping[str, str], repository: str | None, number: int | None) -> Place:
    """A merge request of GitLab; the token is a project access token with the scope `api`."""
    token, project = env.get("COMMENT_TOKEN") or env.get("GITLAB_TOKEN"), repository or env.get("CI_PROJECT_ID")
    request = number or env.get("CI_MERGE_REQUEST_IID")
    _complete({"COMMENT_TOKEN": token, "CI_PROJECT_ID": project, "CI_MERGE_REQUEST_IID": request})
    api = env.get("CI_API_V4_URL", "https://gitlab.com/api/v4")
    notes = f"{api}/projects/{str(project).replace('/', '%2F')}/merge_requests/{request}/notes"
    return Place("gitlab", notes, f"{notes}/{{id}}", {"PRIVATE-TOKEN": str(token)}, "PUT")


def _complete(needed: Mapping[str, object]) -> None:
    if missing := [name for name, value in needed.items() if not value]:
        raise InvalidInput([f"{name} is not set; it says where the comment goes" for name in missing])


def renew(place: Place, text: str) -> Done:
    """Update the comment that begins with the first line of the text, or make it. Raises UserError."""
    marker = text.partition("\n")[0].strip()
    if not MARKER.fullmatch(marker):
        raise InvalidInput("the first line of the comment must be a marker such as <!-- ai-datacenter cost: dev -->")
    most = LONGEST[place.service]
    body = text if len(text) <= most else text[: most - len(CUT)] + CUT
    session = _session(place)
    old = next((entry for entry in _all(session, place) if str(entry.get("body", "")).startswith(marker)), None)
    if old is None:
        _call(session, "POST", place.comments, body)
        return "made"
    if old["body"].replace("\r\n", "\n").strip() == body.strip():
        return "unchanged"
    _call(session, place.update, place.edited.format(id=old["id"]), body)
    return "updated"


def _session(place: Place) -> Any:
    """A call that is throttled is tried again; one that writes only when the service says that it was not done."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3 import Retry

    session = requests.Session()
    session.headers.update(place.headers)
    reading = Retry(
        total=ATTEMPTS, status_forcelist=RETRIED, backoff_factor=0.5, allowed_methods={"GET", "PUT", "PATCH"}
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=reading))
    return session


def _all(session: Any, place: Place) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found = _call(session, "GET", place.comments, None, per_page=PAGE, page=page)
        if not isinstance(found, list):
            raise UserError(f"{place.service}: the list of comments is no list")
        yield from found
        if len(found) < PAGE:
            return
        page += 1


def _call(session: Any, method: str, address: str, body: str | None, **query: int) -> Any:
    import requests

    try:
        answer = session.request(
            method, address, params=query or None, json=None if body is None else {"body": body}, timeout=TIMEOUT_S
        )
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise UserError(f"{method} {address}: {' '.join(str(error).split())}") from None


@guarded
def main(
    file: Annotated[Path, typer.Argument(help="The comment; its first line is the marker.")],
    repository: Annotated[str | None, typer.Option(help="OWNER/NAME, or a project id of GitLab.")] = None,
    number: Annotated[int | None, typer.Option(help="Number of the pull or merge request.")] = None,
) -> None:
    """Put a comment on a pull or merge request, or renew the one that is there."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file}: cannot be read ({error.strerror})") from None
    where = gitlab if os.environ.get("GITLAB_CI") else github
    done = renew(where(os.environ, repository, number), text)
    out().print(f"comment {done}", markup=False)


if __name__ == "__main__":
    typer.run(main)
