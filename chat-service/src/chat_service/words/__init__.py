"""The operator's words that are not to be said here, in questions or in answers."""
