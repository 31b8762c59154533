"""Short answers of models outside of runs: what is asked for the conversation's sake, not by its user."""
