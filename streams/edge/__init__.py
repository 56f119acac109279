"""Kafka, processes, files and clocks. Nothing here decides what a unit is."""
