"""What is followed."""
