"""What a connection to a provider is. Standard library alone."""
