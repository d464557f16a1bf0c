"""AWS protocols on the wire: a request to an action and its parameters, a result or an error to a reply.

Parsing and serialising are moto's, which work from botocore's service models, so every action of every service has the
right shape. Error replies are written here, because they must also work where no service model is at hand. Left out:
event streams.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

NOT_AVAILABLE = "NotAvailableInLocalCloud"
"""Error code of everything the local cloud does not do."""


class ApiError(Exception):
    """An AWS error: `code` as in the service's API reference, a message for people, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400, **members: Any) -> None:
        self.code, self.message, self.status, self.members = code, message, status, members
        super().__init__(f"{code}: {message}")


class NotAvailable(ApiError):
    """The action exists in AWS but not in the local cloud."""

    def __init__(self, service: str, action: str, detail: str = "") -> None:
        what = f"{service}:{action}" + (f" ({detail})" if detail else "")
        # 405 and not 501: clients retry 5xx, and a second try cannot help
        super().__init__(NOT_AVAILABLE, f"not available in the local cloud: {what}", 405)


@dataclass
class Reply:
    """An HTTP response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @classmethod
    def json(cls, value: Any, status: int = 200) -> Reply:
        body = json.dumps(value, default=str).encode()
        return cls(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], body)


class Refusal(Exception):
    """An error reply of moto that must reach the client unchanged."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        super().__init__(reply.body[:200].decode(errors="replace"))


@dataclass
class Target:
    """What a request is for. `operation` is None when the service model has no such action."""

    service: str
    """botocore's name of the service"""
    backend: str | None
    """moto's name of the service; None: moto has no such service"""
    action: str
    """name of the action; "METHOD /path" when it cannot be told"""
    protocol: str
    """ec2, query, json, rest-json, rest-xml"""
    region: str
    access_key: str
    operation: Any = None
    """moto's OperationModel"""
    uri: dict[str, Any] = field(default_factory=dict)
    """parameters in the path"""


def werkzeug_request(environ: dict[str, Any], body: bytes) -> Any:
    """The request as moto's parsers want it; `environ` itself stays unread."""
    from moto.core.request import Request

    return Request({**environ, "wsgi.input": BytesIO(body)})


def parameters(target: Target, request: Any) -> dict[str, Any]:
    """The action's parameters by their names in the API reference, typed by the service model."""
    from moto.core.parse import PROTOCOL_PARSERS

    parser = PROTOCOL_PARSERS[target.protocol](target.operation, map_type=dict)
    return parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.get_data(),
            "url_path": request.path,
            "url_params": target.uri,
        }
    )


def result(target: Target, value: Mapping[str, Any] | None) -> Reply:
    """Serialise what an action returned."""
    from moto.core.serialize import get_serializer_class

    serializer = get_serializer_class(target.operation.service_model.service_name, target.protocol)
    answer = serializer(operation_model=target.operation).serialize(dict(value or {}))
    body = answer["body"]
    body = body.encode() if isinstance(body, str) else body
    request_id = str(uuid.uuid4())
    headers = {k: v for k, v in answer["headers"].items() if k.lower() != "content-length"}
    headers |= {"x-amzn-RequestId": request_id, "Content-Length": str(len(body))}
    return Reply(int(answer["status_code"]), [(k, str(v)) for k, v in headers.items()], body)


def decoded(target: Target, reply: Reply) -> dict[str, Any]:
    """A reply of moto back as data. Raises Refusal when it is an error."""
    from botocore.parsers import create_parser

    if reply.status >= 300:
        raise Refusal(reply)
    parser = create_parser(target.protocol)
    headers = {name.lower(): value for name, value in reply.headers}
    answer = {"headers": headers, "status_code": reply.status, "body": reply.body}
    parsed = parser.parse(answer, target.operation.output_shape)
    parsed.pop("ResponseMetadata", None)
    return parsed


def error(protocol: str, failure: ApiError) -> Reply:
    """An error in the protocol's shape, so that boto3 raises ClientError with its code and message."""
    request_id = str(uuid.uuid4())
    headers = [("x-amzn-RequestId", request_id)]
    if protocol in ("json", "rest-json"):
        members = {k: v for k, v in failure.members.items() if v is not None}
        text = json.dumps({"__type": failure.code, "message": failure.message, **members})
        headers += [("Content-Type", "application/json"), ("x-amzn-ErrorType", failure.code)]
    else:
        code, message = escape(failure.code), escape(failure.message)
        inner = f"<Code>{code}</Code><Message>{message}</Message>"
        if protocol == "ec2":
            text = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        elif protocol == "query":
            who = "Sender" if failure.status < 500 else "Receiver"
            text = (
                f"<ErrorResponse><Error><Type>{who}</Type>{inner}</Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        else:
            text = f"<Error>{inner}<RequestId>{request_id}</RequestId></Error>"
        text = '<?xml version="1.0" encoding="UTF-8"?>\n' + text
        headers.append(("Content-Type", "text/xml"))
    body = text.encode()
    return Reply(failure.status, [*headers, ("Content-Length", str(len(body)))], body)
