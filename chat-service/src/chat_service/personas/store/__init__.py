"""Personas in PostgreSQL."""
