"""Imports in PostgreSQL: their jobs, their bytes, and the conversations that they bring."""
