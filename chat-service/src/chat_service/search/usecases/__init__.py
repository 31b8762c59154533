"""Searching, and making what is found by."""
