"""Runs on their way to their readers: frames from chat-service, server-sent events, heartbeats."""
