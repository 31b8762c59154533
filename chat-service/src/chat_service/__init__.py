"""Conversations, and the streams that answer them."""
