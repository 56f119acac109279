"""What the processes count, in one typed catalogue. Base units; no label whose values come from outside unbounded."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from streams.version import VERSION

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one process, on a registry of their own."""

    def __init__(self, role: str) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        Gauge("weir_build_info", "Version and role of this process.", ["version", "role"], registry=r).labels(
            VERSION, role
        ).set(1)
        self.raw_records = Counter("weir_raw_records_total", "Raw records read.", registry=r)
        self.raw_bytes = Counter("weir_raw_bytes_total", "Bytes of raw records read.", registry=r)
        self.items = Counter("weir_items_total", "What became of the items of raw records.", ["outcome"], registry=r)
        self.ignored = Counter("weir_ignored_total", "Items nothing was made of.", ["source", "reason"], registry=r)
        self.dead_letters = Counter("weir_dead_letters_total", "Dead letters written.", ["stage"], registry=r)
        self.detection_rules = Gauge(
            "weir_detection_rules", "Detection rules that were loaded, by what became of them.", ["state"], registry=r
        )
        self.detections = Counter(
            "weir_detections_total", "Findings that detection rules made, by level of the rule.", ["level"], registry=r
        )
        self.detections_failed = Counter(
            "weir_detections_failed_total", "Matches and trials of rules that made no finding.", ["reason"], registry=r
        )
        self.redactions = Counter("weir_redactions_total", "Secrets replaced.", ["type"], registry=r)
        self.log_records = Counter("weir_log_records_total", "Log records folded.", registry=r)
        self.log_bytes = Counter("weir_log_bytes_total", "Bytes of log records folded.", registry=r)
        self.events = Counter("weir_events_total", "What became of the events of the log.", ["outcome"], registry=r)
        self.revisions = Counter("weir_revisions_total", "Unit revisions committed.", ["reason"], registry=r)
        self.indicators = Counter("weir_indicators_total", "What became of units' indicators.", ["outcome"], registry=r)
        self.links = Counter(
            "weir_links_total",
            "Pairs of units told of each other; indicators that became common, expired or were evicted.",
            ["what"],
            registry=r,
        )
        self.model_domains = Gauge(
            "weir_model_domains", "Domains by the state of their models.", ["model", "state"], registry=r
        )
        self.model_low_p = Gauge(
            "weir_model_low_p_ratio",
            "Share of principal-minutes with p at or below 0.01, of all domains together; 0.01 is right.",
            ["model"],
            registry=r,
        )
        self.model_young = Gauge(
            "weir_model_immature_ratio",
            "Share of principal-minutes with a key still learning.",
            ["model"],
            registry=r,
        )
        self.model_evicted = Gauge("weir_model_evictions_per_day", "Keys evicted a day.", ["model"], registry=r)
        self.model_refused = Gauge("weir_model_refused_keys_per_day", "New keys refused a day.", registry=r)
        self.budget_units = Gauge(
            "weir_alert_budget_units", "Units of the day that rest on models alone.", ["outcome"], registry=r
        )
        self.context_records = Counter(
            "weir_context_records_total", "What became of the records of feeds.", ["feed", "outcome"], registry=r
        )
        self.context_looks = Counter("weir_context_looks_total", "Looks at feeds.", ["feed", "outcome"], registry=r)
        self.context_feed_age = Gauge(
            "weir_context_feed_age_seconds",
            "Age of a feed by its own date, where it has none since the last good look; +Inf: never seen.",
            ["feed"],
            registry=r,
        )
        self.context_last_good = Gauge(
            "weir_context_last_good_look_timestamp_seconds", "When a feed was last read well.", ["feed"], registry=r
        )
        self.state_rows = Counter("weir_state_rows_total", "Changelog rows committed.", registry=r)
        self.ticks = Counter("weir_ticks_total", "Ticks appended to the log.", registry=r)
        self.sessions_failed = Counter("weir_sessions_failed_total", "Sessions that ended by a failure.", registry=r)
        self.commit_seconds = Histogram(
            "weir_commit_seconds", "Time one transaction took.", buckets=_SECONDS, registry=r
        )
        self.log_delay_seconds = Histogram(
            "weir_log_delay_seconds",
            "Time from the append of the newest folded log record to its commit.",
            buckets=_SECONDS,
            registry=r,
        )
        self.partitions = Gauge("weir_partitions", "Partitions of the log that this worker owns.", registry=r)
        self.last_commit = Gauge("weir_last_commit_timestamp_seconds", "When the last transaction ended.", registry=r)
