"""Metrics in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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
    """Requests and their durations by route, queue lengths, and metrics of the process.

    Attributes:
        in_progress: Gauge of requests that have begun to arrive and are not yet answered.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "inkfast_requests", "Requests answered.", ["route", "status"], registry=self.registry
        )
        self.in_progress = Gauge(
            "inkfast_requests_in_progress", "Requests not yet answered.", registry=self.registry
        )
        self._seconds = Histogram(
            "inkfast_request_seconds", "From a request's first byte to its response.", ["route"],
            registry=self.registry, buckets=_SECONDS,
        )  # fmt: skip

    def callback(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is computed when metrics are read."""
        Gauge(name, text, registry=self.registry).set_function(value)

    def callbacks(self, name: str, text: str, values: Mapping[str, Callable[[], float]]) -> None:
        """Add a gauge of each network, by name, whose values are computed likewise."""
        gauge = Gauge(name, text, ["model"], registry=self.registry)
        for model, value in values.items():
            gauge.labels(model).set_function(value)

    def record(self, route: str, status: int, seconds: float) -> None:
        """Record an answered request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
