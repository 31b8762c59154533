"""What is searched, and what is found."""
