"""Passwords hashed and access tokens signed: the use cases' ports to cryptography."""
