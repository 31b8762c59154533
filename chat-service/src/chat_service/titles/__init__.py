"""Titles of conversations by the model that answers in them, for users who want that."""
