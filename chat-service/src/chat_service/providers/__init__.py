"""Model providers: how an answer is asked for, and how what comes back is read."""
