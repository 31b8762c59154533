"""What a run is, what may begin one, and what is in its way."""
