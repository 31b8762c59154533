"""What the operator says of files."""
