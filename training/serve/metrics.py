"""What `/metrics` tells, in Prometheus' text format."""

from __future__ import annotations

# pyright: reportMissingImports=false
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Of one server."""

    def __init__(self, model: str, waiting: Callable[[], float]) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("serve_requests", "Answered requests", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "serve_request_seconds",
            "From request to the end of its answer",
            ["path"],
            buckets=SECONDS,
            registry=registry,
        )
        self.prompt_tokens = Counter("serve_prompt_tokens", "Tokens of prompts", registry=registry)
        self.generated_tokens = Counter("serve_generated_tokens", "Tokens of answers", registry=registry)
        self.batch = Histogram(
            "serve_batch_size", "Sequences in a batch", buckets=(1, 2, 4, 8, 16, 32, 64), registry=registry
        )
        self.in_flight = Gauge("serve_requests_in_flight", "Requests in work", registry=registry)
        Gauge("serve_sequences_waiting", "Sequences that wait for a batch", registry=registry).set_function(waiting)
        Gauge("serve_model", "The model", ["model"], registry=registry).labels(model).set(1)

    def text(self) -> tuple[bytes, str]:
        """Body and content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST
