"""What is exported, and what is refused."""
