"""What every request passes before its route, and every response after: pure ASGI layers."""
