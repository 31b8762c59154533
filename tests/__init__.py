"""End to end: the whole of Parley as `make run` starts it, spoken to over HTTP alone."""
