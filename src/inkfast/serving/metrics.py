"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """Requests and their seconds, by route; what waits; the process itself.

    Attributes:
        being_answered: How many requests have come and are not yet answered.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "inkfast_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.being_answered = Gauge(
            "inkfast_being_answered", "Requests not yet answered.", registry=self.registry
        )
        self._seconds = Histogram(
            "inkfast_request_seconds", "From the first byte of a request to its answer.", ["route"],
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip

    def callback(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Show a number whenever somebody looks."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self) -> bytes:
        """Return all numbers in Prometheus' text format."""
        return generate_latest(self.registry)
