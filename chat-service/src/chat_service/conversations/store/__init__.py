"""Conversations and messages in PostgreSQL, a repository for each."""
