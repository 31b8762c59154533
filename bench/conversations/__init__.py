"""Conversations of many users, made by seed, and what it costs to list, open and search them."""
