"""gRPC as every service speaks it: mutual TLS, allow-lists, deadlines, typed errors."""
