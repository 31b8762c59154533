"""Readers follow: a number into the log, never a queue."""
