"""What can be done with shares."""
