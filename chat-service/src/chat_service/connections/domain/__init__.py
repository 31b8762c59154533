"""What came of trying a connection, and what may be tried in its place."""
