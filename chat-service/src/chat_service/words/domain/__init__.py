"""What is looked for in a text, also in one that comes bit by bit, and what is done about it."""
