"""The logs of runs: in Redis, and all that is known of a run from both places."""
