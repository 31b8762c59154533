"""What is counted, what it costs, and how much of it may be used."""
