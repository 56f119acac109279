"""The engine: pure sources, sinks, correlation and pipeline; and ``edge``, which alone knows Kafka and processes."""
