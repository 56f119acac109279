"""Folding what was recorded: raw files through ingest and pipeline, or a partition log as it stands. No Kafka here."""
