"""Notices: what changes of a user's conversations and runs, for all screens of the user."""
