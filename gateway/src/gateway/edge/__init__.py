"""The connection and what every request passes before its route: from the socket to pure ASGI layers."""
