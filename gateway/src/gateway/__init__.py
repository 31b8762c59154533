"""The REST door: authenticates, validates, forwards over gRPC, streams."""
