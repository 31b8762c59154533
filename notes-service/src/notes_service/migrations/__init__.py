"""The history of the notes database's schema; ``notes-service migrate`` applies it."""
