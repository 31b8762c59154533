"""What users have uploaded."""
