"""Noise suppression: which patterns of signals leave the primary queue, on what evidence, by whom and until when."""
