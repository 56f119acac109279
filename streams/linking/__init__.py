"""Units of different domains that share a strong indicator: what a unit tells, and who is told of whom. Pure."""
