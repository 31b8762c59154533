"""Shares in PostgreSQL: their owners' side, and their readers'."""
