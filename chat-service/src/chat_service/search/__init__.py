"""Search in a user's conversations: their titles, and all messages of theirs, chosen or not."""
