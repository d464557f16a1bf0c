"""Calls to the local AWS API: clients, retries, and one clean line an error.

boto3 is imported on the first call (it costs a third of a second). botocore makes one attempt only; the retries are
here, so that throttling is survived as by the official provider while a missing action is reported at once."""

from __future__ import annotations

import logging
import os
import random
import re
import threading
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

import grpc

from sandbox.providers.aws.configuration import Configuration
from sandbox.providers.protocol import Fail

LOG = logging.getLogger(__name__)
THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
PASSING = {"InternalError", "InternalFailure", "InternalServerError", "ServerException", "ServiceUnavailable"}
PASSING |= {"ServiceUnavailableException", "Unavailable", "RequestTimeout", "RequestTimeoutException"}
NOT_AVAILABLE, UNREACHABLE = "NotAvailableInLocalCloud", "Unreachable"
DENIED = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
}
LONGEST_WAIT_SECONDS = 8.0
UNREACHABLE_ATTEMPTS = 3
TIMEOUT_SECONDS = 60


class AwsError(Fail):
    """An error that the AWS API answered; `aws_code` is its code."""

    def __init__(self, message: str, aws_code: str, code: grpc.StatusCode = grpc.StatusCode.INVALID_ARGUMENT) -> None:
        super().__init__(message, code)
        self.aws_code = aws_code


class Passing(AwsError):
    """A server error or a broken connection: the call may have been carried out, and may succeed when made again."""


def attempts(error: AwsError) -> int:
    """How often a call that fails so is made at most. An API that does not answer at all is not waited for long."""
    most = max(1, int(os.environ.get("AIDC_AWS_ATTEMPTS", "8")))
    return min(most, UNREACHABLE_ATTEMPTS) if error.aws_code == UNREACHABLE else most


def delay(attempt: int) -> float:
    """Seconds to wait after a failed attempt (1 for the first): doubles each time, up to a limit, with some chance in
    it so that calls that were throttled together do not come back together.
    """
    first = float(os.environ.get("AIDC_AWS_BACKOFF", "0.25"))
    return min(LONGEST_WAIT_SECONDS, first * 2 ** (attempt - 1)) * random.uniform(0.5, 1)  # noqa: S311


class Cloud:
    """Clients of one provider. Thread safe. `notify(message)` hears about retries; `cancelled` ends waits."""

    def __init__(self, configuration: Configuration, cancelled: threading.Event | None = None) -> None:
        self.configuration = configuration
        self.cancelled = cancelled or threading.Event()
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._account: str | None = None

    @property
    def account(self) -> str:
        """The account of the credentials."""
        known = self._account
        if known is None:
            known = self._account = str(self.call("sts", self.configuration.region, "get_caller_identity")["Account"])
        return known

    def client(self, service: str, region: str) -> Any:
        """The boto3 client of a service in a region."""
        with self._lock:
            found = self._clients.get((service, region))
            if found is None:
                found = self._clients[service, region] = self._make_client(service, region)
            return found

    def _make_client(self, service: str, region: str) -> Any:
        import boto3
        from botocore.config import Config

        configuration = self.configuration
        self._session = self._session or boto3.Session()
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=configuration.endpoint,
            aws_access_key_id=configuration.access_key,
            aws_secret_access_key=configuration.secret_key,
            aws_session_token=configuration.token,
            config=Config(
                retries={"total_max_attempts": 1},
                max_pool_connections=64,
                connect_timeout=5,
                read_timeout=TIMEOUT_SECONDS,
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
                proxies={},  # nothing but the endpoint, whatever the environment says
            ),
        )

    def call(
        self,
        service: str,
        region: str,
        operation: str,
        arguments: Mapping[str, Any] | None = None,
        notify: Callable[[str], None] | None = None,
        *,
        creating: bool = False,
    ) -> Any:
        """The answer of one operation (boto3 method name). Arguments that are None are left out, at any depth.

        Throttled calls are made again; after server errors and broken connections as well, unless the call is
        `creating` and might make a second object. Raises `AwsError` for what the API refuses, `Passing` when it may
        work later."""
        method = getattr(self.client(service, region), operation)
        cleaned = without_none(arguments or {})
        for attempt in count(1):
            answer = self._once(method, service, operation, cleaned)
            if not isinstance(answer, AwsError):
                return answer
            again = answer.code == grpc.StatusCode.RESOURCE_EXHAUSTED or (isinstance(answer, Passing) and not creating)
            if not again or attempt >= attempts(answer) or self.cancelled.is_set():
                raise after(answer, attempt)
            LOG.info("%s:%s: %s, attempt %d", service, operation, answer.aws_code, attempt)
            if notify:
                notify(f"{answer} (attempt {attempt} of {attempts(answer)}, trying again)")
            if self.cancelled.wait(delay(attempt)):
                raise after(answer, attempt)
        raise AssertionError("the last attempt returns or raises")

    def _once(self, method: Any, service: str, operation: str, arguments: Mapping[str, Any]) -> Any:
        """The answer, or the error as a value."""
        from botocore import exceptions, parsers

        name = f"{service}:{method.__self__.meta.method_to_api_mapping.get(operation, operation)}"
        try:
            return method(**arguments)
        except exceptions.ClientError as error:
            return answered(name, error.response)
        except exceptions.ParamValidationError as error:
            # The report quotes values, and a value may be secret: keep names and reasons only.
            lines = str(error.kwargs["report"]).splitlines()
            report = "; ".join(re.sub(r", value: .*?(?=, type|$)", "", line) for line in lines)
            return AwsError(f"{name}: {report}", "ParamValidation")
        except parsers.ResponseParserError:
            return _not_available(name)
        except exceptions.BotoCoreError as error:
            endpoint = self.configuration.endpoint
            text = f"{name}: the local AWS API does not answer at {endpoint} ({type(error).__name__}): start it first"
            return Passing(text, UNREACHABLE, grpc.StatusCode.UNAVAILABLE)


def after(error: AwsError, attempt: int) -> AwsError:
    """The error with the number of attempts, if there was more than one."""
    if attempt == 1:
        return error
    return type(error)(f"{error} (given up after {attempt} attempts)", error.aws_code, error.code)


def _not_available(name: str) -> AwsError:
    return AwsError(f"{name} is not available in the local environment", NOT_AVAILABLE, grpc.StatusCode.UNIMPLEMENTED)


def answered(name: str, response: Mapping[str, Any]) -> AwsError:
    """The error of an answer in one line: throttled (RESOURCE_EXHAUSTED), `Passing`, or a refusal."""
    code = str(response.get("Error", {}).get("Code", ""))
    message = str(response.get("Error", {}).get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    lowered = message.lower()
    if code == NOT_AVAILABLE or "<!doctype" in lowered or "<html" in lowered:
        return _not_available(name)
    line = f"{name}: {code}: {' '.join(message.split())}" if message else f"{name}: {code}"
    if code in THROTTLED or status == 429:
        return AwsError(line, code, grpc.StatusCode.RESOURCE_EXHAUSTED)
    if status >= 500 or code in PASSING:
        return Passing(line, code, grpc.StatusCode.UNAVAILABLE)
    denied = code in DENIED
    return AwsError(line, code, grpc.StatusCode.PERMISSION_DENIED if denied else grpc.StatusCode.INVALID_ARGUMENT)


def without_none(value: Any) -> Any:
    """`value` without dictionary entries that are None, at any depth."""
    if isinstance(value, Mapping):
        return {key: without_none(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_none(item) for item in value]
    return value
