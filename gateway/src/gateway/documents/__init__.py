"""What the gateway says of itself: its OpenAPI document, a page to read it with, a front door."""
