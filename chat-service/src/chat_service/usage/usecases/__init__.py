"""Usage as its users and their admins see it, and what counts and refuses outside of runs."""
