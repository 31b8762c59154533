"""What a note is. Standard library alone."""
