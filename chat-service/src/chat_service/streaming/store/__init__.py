"""What streaming keeps in PostgreSQL, in the role of background jobs: all runs are in sight."""
