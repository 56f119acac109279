"""The pure core: events and scores in, units out. No clock, no randomness, no logging, no input or output."""
