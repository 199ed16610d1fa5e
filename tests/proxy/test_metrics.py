"""Counters become metrics that Prometheus reads."""

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from proxy.metrics import Counters


def test_what_was_counted_is_what_is_shown() -> None:
    counters = Counters(lambda: {"clients": 3})
    counters.exchange(200, "ok", 0.003)
    counters.exchange(200, "ok", 99.0)
    counters.exchange(502, "wiki_failed", 0.2)
    counters.errors = 1
    counters.routes["EntityRead", "wbgetentities"] = 2
    counters.samples["written"] = 2
    registry = CollectorRegistry()
    registry.register(counters)
    families = {one.name: one for one in text_string_to_metric_families(generate_latest(registry).decode())}

    def value(family: str, **labels: str) -> float:
        (found,) = [
            s.value for s in families[family].samples if labels.items() <= s.labels.items() and "created" not in s.name
        ]
        return found

    assert value("cutover_requests", status="200") == 2
    assert value("cutover_exchanges", outcome="wiki_failed") == 1
    assert value("cutover_routes", kind="EntityRead", name="wbgetentities") == 2
    assert value("cutover_samples", event="written") == 2
    assert value("cutover_stand_in_answers") == 1
    assert value("cutover_now", what="clients") == 3
    buckets = {
        s.labels["le"]: s.value for s in families["cutover_exchange_seconds"].samples if s.name.endswith("_bucket")
    }
    assert (buckets["0.0025"], buckets["0.005"], buckets["0.25"], buckets["+Inf"]) == (0, 1, 2, 3)
    assert counters.as_json()["requests"] == 3
    assert counters.as_json()["clients"] == 3
