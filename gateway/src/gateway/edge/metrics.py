"""What is counted of each request. Labels are bounded: templates, never paths."""

from functools import cache

from prometheus_client import Counter, Histogram

_REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram(
    "http_request_duration_seconds",
    "Time to the response's end; of an event stream, to its start.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def method_label(method: str) -> str:
    """``method``, or OTHER for one that HTTP does not know."""
    return method if method in _METHODS else "OTHER"


def count(method: str, route: str, status: int, seconds: float) -> None:
    """One request more, of a method as `method_label` has it."""
    requests, histogram = _labelled(method, route, status)
    requests.inc()
    histogram.observe(seconds)


@cache
def _labelled(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # To look them up by their labels takes longer than to count.
    return _REQUESTS.labels(method, route, str(status)), _SECONDS.labels(method, route)
