"""Files in PostgreSQL: everything of them but their bytes."""
