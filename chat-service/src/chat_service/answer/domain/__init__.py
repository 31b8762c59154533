"""Frames, the one reducer over them, and the ends of runs."""
