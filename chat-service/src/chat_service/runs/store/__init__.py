"""Runs in PostgreSQL: a turn begins and ends with one round trip each."""
