"""Imports from the upload to the report."""
