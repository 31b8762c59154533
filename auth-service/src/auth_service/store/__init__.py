"""The ports to PostgreSQL, implemented: SQLAlchemy Core into frozen dataclasses.

Two roles, two kinds of transaction. What a logged-in user does runs as the app role, where
row-level security shows their own rows and nothing else. Registering, logging in and refreshing
have no caller yet: *who is it?* is the question they ask, so they run as the worker role, whose
policies admit every row, as do the background jobs. Their statements are few, each by a unique
key, and all in ``system.py``.
"""
