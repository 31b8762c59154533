"""What can be done with personas."""
