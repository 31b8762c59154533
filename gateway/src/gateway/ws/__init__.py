"""The WebSocket: many conversations of one user over one connection. See docs/sockets.md."""
