"""Conversations as PostgreSQL writes them into files."""
