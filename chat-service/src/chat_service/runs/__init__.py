"""Runs: an answer's generation is accepted, gone on with, cancelled, recovered, ended."""
