"""Conversations and runs in PostgreSQL; the only place that knows SQL."""
