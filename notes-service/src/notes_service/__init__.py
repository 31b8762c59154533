"""A user's notes."""
