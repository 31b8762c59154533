"""What users, logins and erasures are, and the rules they keep; standard library alone."""
