"""What a share is, and who is let in."""
