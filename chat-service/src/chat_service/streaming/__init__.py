"""One log, many readers: what was shown of a run is in its answer, whatever is killed."""
