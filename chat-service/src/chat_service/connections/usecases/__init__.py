"""Testing a connection, and listing what its server has."""
