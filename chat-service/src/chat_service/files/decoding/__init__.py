"""Files read whole, each by a process of its own that can do nothing else."""
