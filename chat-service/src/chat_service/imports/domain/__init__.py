"""An import, and what is refused."""
