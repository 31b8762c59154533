"""The gRPC contracts between Parley's services, generated."""
