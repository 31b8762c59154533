"""Repositories in PostgreSQL, a class for each aggregate, made on an open transaction."""
