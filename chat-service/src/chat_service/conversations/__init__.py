"""Conversations and their messages: made, read, listed."""
