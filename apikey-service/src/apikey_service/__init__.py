"""The vault of each user's provider keys."""
