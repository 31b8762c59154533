"""The copy in PostgreSQL."""
