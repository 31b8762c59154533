"""Envelope encryption: a data key for each row, wrapped by a key-encryption key."""
