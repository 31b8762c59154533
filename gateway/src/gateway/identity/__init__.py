"""Who is calling: bearer tokens, the refresh cookie, the rate limit of guesses."""
