"""The index of texts in PostgreSQL, and what is not in it yet."""
