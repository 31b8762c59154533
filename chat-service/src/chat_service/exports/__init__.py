"""Exports: what a user has, as a file."""
