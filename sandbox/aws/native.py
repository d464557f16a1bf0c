"""moto's own application, and the question which actions it really has.

moto answers what it lacks with HTML pages (404) or a raised NotImplementedError; both become `NotAvailable` here. Its
S3 lets unknown sub-resources fall through to CreateBucket and DeleteBucket, so S3 is served from an explicit list
only.
"""

from __future__ import annotations

import functools
import re
import sys
import traceback
from io import BytesIO
from pathlib import Path
from typing import Any

from sandbox.aws.wire import ApiError, NotAvailable, Reply, Target, werkzeug_request

S3_ACTIONS = frozenset(Path(__file__).with_name("s3_actions.txt").read_text().split())
"""S3 actions of moto 5.2.5 that do what they say (read from moto/s3/responses.py)."""

HIDDEN = {"eks": "served whole by sandbox.aws.gaps.eks"}
"""moto services never used: their state would be a second truth beside ours."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/]+)/([^/]+)/aws4_request")


class Moto:
    """moto as a WSGI application that never answers HTML."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._app = DomainDispatcherApplication(create_backend_app)
        # moto lists its folder on disk at every call to find out which services it has
        self._app.get_backend_for_host = _backend_of  # type: ignore[method-assign]

    def target(self, environ: dict[str, Any], body: bytes) -> Target:
        """Tell what a request is for, from its signature, headers and path."""
        access_key, region, signer = _signature(environ)
        copy = {**environ, "wsgi.input": BytesIO(body)}
        host = self._app.infer_service_region_host(copy, environ["PATH_INFO"]) or f"s3.{region}.amazonaws.com"
        backend = _backend_of(host)
        service = signer or "s3"
        response = None if backend is None else response_class(backend)
        if response is not None:
            service = response().boto3_service_name or service
        found = Target(service, backend, _action_hint(environ, body), "", region, access_key)
        self._route(found, werkzeug_request(environ, body))
        return found

    @staticmethod
    def _route(target: Target, request: Any) -> None:
        from botocore.exceptions import UnknownServiceError
        from moto.core.request import determine_request_protocol
        from moto.core.routing import get_service_router
        from moto.core.utils import get_service_model
        from werkzeug.exceptions import NotFound

        try:
            model = get_service_model(target.service)
            target.protocol = determine_request_protocol(model, request.content_type)
            target.operation, target.uri = get_service_router(target.service).match(request)
            if target.service == "s3" and _unknown_query(target.operation, request):
                target.operation = None
                return
            target.action = target.operation.name
        except (NotFound, NotImplementedError, UnknownServiceError):
            target.protocol = target.protocol or _protocol_hint(request)

    def reply(self, environ: dict[str, Any], body: bytes, target: Target) -> Reply:
        """What moto answers. Raises NotAvailable for what it does not implement."""
        told = target.operation is not None or target.backend in (None, "s3", *HIDDEN)
        if told and implements(target.backend, target.action) is False:
            raise NotAvailable(target.service, target.action)
        try:
            reply = self.raw(environ, body)
        except NotImplementedError as problem:
            raise NotAvailable(target.service, target.action) from problem
        except Exception as problem:
            traceback.print_exc(file=sys.stderr)
            text = f"{target.service}:{target.action}: {type(problem).__name__}: {problem}"
            raise ApiError("InternalFailure", f"the local cloud failed in {text}", 500) from problem
        kind = next((value for name, value in reply.headers if name.lower() == "content-type"), "")
        page = kind.startswith("text/html") and reply.body[:15].lower().startswith(b"<!doctype html>")
        if reply.status in (404, 405, 500) and target.service != "s3" and (page or not reply.body):
            raise NotAvailable(target.service, target.action)
        return reply

    def raw(self, environ: dict[str, Any], body: bytes) -> Reply:
        """Run moto's application without any check."""
        captured: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if exc_info:
                raise exc_info[1]
            captured[:] = [int(status.split(maxsplit=1)[0]), headers]
            return lambda _: None

        copy = {**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        stream = self._app(copy, start)
        try:
            content = b"".join(stream)
        finally:
            close = getattr(stream, "close", None)
            if close:
                close()
        return Reply(captured[0], list(captured[1]), content)


def backend(service: str, account: str, region: str) -> Any:
    """moto's state of a service, for a region or (global services) a partition."""
    from moto.backends import get_backend
    from moto.utilities.utils import get_partition

    regions = get_backend(service)[account]  # type: ignore[call-overload]
    return regions[get_partition(region)] if service in ("iam", "s3", "sts", "budgets") else regions[region]


def backend_name(service: str) -> str | None:
    """moto's name of a service of botocore; None when moto has no such service."""
    from moto import backends

    name = {"lambda": "awslambda"}.get(service, service.replace("-", ""))
    return name if name in backends.list_of_moto_modules() else None


@functools.cache
def response_class(name: str) -> Any:
    """The one class that answers for a service in moto; None when there is more than one way in."""
    import importlib

    module = importlib.import_module(f"moto.{name}.urls")
    owners = [handler.__self__ for handler in module.url_paths.values() if hasattr(handler, "__self__")]
    classes = {owner if isinstance(owner, type) else type(owner) for owner in owners}
    return classes.pop() if len(classes) == 1 else None


@functools.cache
def _methods(name: str) -> frozenset[str] | None:
    """Methods of a service that moto dispatches by the action's name; None when it does so differently."""
    import importlib

    from moto.core.utils import get_service_model, method_names_from_class

    response = response_class(name)
    if response is None:
        return None
    handlers = importlib.import_module(f"moto.{name}.urls").url_paths.values()
    dispatched = [getattr(handler, "__name__", "") == "dispatch" for handler in handlers]
    # where one path takes all actions, further paths serve something else (SNS: its certificate)
    one_path = get_service_model(response().boto3_service_name).protocol in ("ec2", "json", "query")
    by_name = any(dispatched) if one_path else all(dispatched)
    return frozenset(method_names_from_class(response)) if by_name else None


def implements(name: str | None, action: str) -> bool | None:
    """Whether moto has an action; None when that cannot be told without calling it."""
    from moto.core.utils import camelcase_to_underscores

    if name is None or name in HIDDEN:
        return False
    if name == "s3":
        return action in S3_ACTIONS
    methods = _methods(name)
    return None if methods is None else camelcase_to_underscores(action) in methods


def _unknown_query(operation: Any, request: Any) -> bool:
    """Whether a write has a query parameter that its action does not know: a sub-resource newer than the model.

    By its path it would look like CreateBucket or DeleteObject.
    """
    if request.method in ("GET", "HEAD"):
        return False
    members = operation.input_shape.members.values() if operation.input_shape else ()
    modelled = {member.serialization.get("name") for member in members if member.serialization.get("location")}
    known = {*operation.http_trait.query_args, *modelled, "x-id", "AWSAccessKeyId", "Signature", "Expires"}
    return any(name not in known and not name.lower().startswith("x-amz-") for name in request.args)


def _signature(environ: dict[str, Any]) -> tuple[str, str, str]:
    """(access key, region, signing name) of a signed request, in the header or the query string."""
    from urllib.parse import unquote

    signed = environ.get("HTTP_AUTHORIZATION", "")
    found = _CREDENTIAL.search(signed) or _CREDENTIAL.search(
        unquote(environ.get("QUERY_STRING", "")).replace("X-Amz-Credential", "Credential")
    )
    return (found[1], found[2], found[3].lower()) if found else ("", "us-east-1", "")


@functools.cache
def _backend_of(host: str | None) -> str | None:
    from moto import backend_index, backends

    if host is None or host == "moto_api":
        return host
    if host in backends.list_of_moto_modules():
        return host
    return next((name for name, pattern in backend_index.backend_url_patterns if pattern.match(f"http://{host}")), None)


def _action_hint(environ: dict[str, Any], body: bytes) -> str:
    target = environ.get("HTTP_X_AMZ_TARGET")
    if target:
        return target.rsplit(".", 1)[-1]
    action = re.search(rb"(?:^|&)Action=(\w+)", body) or re.search(
        rb"(?:^|&)Action=(\w+)", environ.get("QUERY_STRING", "").encode()
    )
    if action:
        return action[1].decode()
    query = environ.get("QUERY_STRING")
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}" + (f"?{query}" if query else "")


def _protocol_hint(request: Any) -> str:
    if request.headers.get("X-Amz-Target"):
        return "json"
    return "query" if request.values.get("Action") else "rest-json"
