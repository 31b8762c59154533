"""The ports to PostgreSQL, implemented: SQLAlchemy Core into frozen dataclasses."""
