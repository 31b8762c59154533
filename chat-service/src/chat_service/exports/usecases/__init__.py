"""An export from its beginning to its end."""
