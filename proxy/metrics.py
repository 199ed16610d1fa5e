"""Counters of the proxy: plain integers on the hot path, made into metrics only when somebody asks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Seconds:
    """How long something took, counted by bucket."""

    __slots__ = ("_buckets", "_sum")

    def __init__(self) -> None:
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
        self._sum += seconds

    def metric(self, name: str, what: str) -> HistogramMetricFamily:
        """Return it for Prometheus."""
        total, buckets = 0, []
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self._buckets, strict=True):
            total += count
            buckets.append((bound, total))
        return HistogramMetricFamily(name, what, buckets=buckets, sum_value=self._sum)


class Counters:
    """What one worker has done. All of it since its start."""

    def __init__(self, gauges: Callable[[], Mapping[str, float]]) -> None:
        """`gauges` tells values of the moment: connections, queues, bytes held."""
        self.statuses: Counter[int] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.routes: Counter[tuple[str, str]] = Counter()  # (kind, surface or reason)
        self.samples: Counter[str] = Counter()  # "queued", "written", "shed_..." ...
        self.reads: Counter[str] = Counter()  # "answered" by the store, or why not
        self.errors = 0  # answers in the wiki's stead
        self.store_seconds = Seconds()
        self._seconds = Seconds()
        self._gauges = gauges

    def exchange(self, status: int, outcome: str, seconds: float) -> None:
        """Count one exchange that ended."""
        self.statuses[status] += 1
        self.outcomes[outcome] += 1
        self._seconds.add(seconds)

    def as_json(self) -> dict[str, object]:
        """Return everything for /status."""
        return {
            "requests": sum(self.statuses.values()),
            "statuses": {str(key): value for key, value in sorted(self.statuses.items())},
            "outcomes": dict(self.outcomes),
            "routes": {f"{kind}/{name}": value for (kind, name), value in sorted(self.routes.items())},
            "samples": dict(self.samples),
            "store_reads": dict(self.reads),
            "proxy_errors": self.errors,
            **self._gauges(),
        }

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics for Prometheus."""
        requests = CounterMetricFamily("cutover_requests", "Exchanges by status.", labels=["status"])
        for status, count in self.statuses.items():
            requests.add_metric([str(status)], count)
        yield requests
        outcomes = CounterMetricFamily("cutover_exchanges", "Exchanges by how they ended.", labels=["outcome"])
        for outcome, count in self.outcomes.items():
            outcomes.add_metric([outcome], count)
        yield outcomes
        routes = CounterMetricFamily("cutover_routes", "Recognised requests.", labels=["kind", "name"])
        for (kind, name), count in self.routes.items():
            routes.add_metric([kind, name], count)
        yield routes
        samples = CounterMetricFamily("cutover_samples", "What became of samples.", labels=["event"])
        for event, count in self.samples.items():
            samples.add_metric([event], count)
        yield samples
        reads = CounterMetricFamily("cutover_store_reads", "Reads the store answered, or why not.", labels=["what"])
        for what, count in self.reads.items():
            reads.add_metric([what], count)
        yield reads
        yield CounterMetricFamily("cutover_stand_in_answers", "Answers in the wiki's stead.", value=self.errors)
        yield self._seconds.metric("cutover_exchange_seconds", "Duration of exchanges.")
        yield self.store_seconds.metric("cutover_store_answer_seconds", "Duration of answers from the store.")
        gauges = GaugeMetricFamily("cutover_now", "Values of the moment.", labels=["what"])
        for name, value in self._gauges().items():
            gauges.add_metric([name], value)
        yield gauges
