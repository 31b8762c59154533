"""Answers kept for the same question of the same user, where that is asked for."""
