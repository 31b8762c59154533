"""What a persona is."""
