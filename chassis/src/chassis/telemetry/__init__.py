"""What can be seen of a running service: logs, metrics, and the context that links them."""
