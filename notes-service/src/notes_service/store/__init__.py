"""Notes in PostgreSQL: SQLAlchemy Core into frozen dataclasses."""
