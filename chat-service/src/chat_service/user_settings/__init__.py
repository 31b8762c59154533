"""What users have set in auth-service, as far as conversations go by it: a copy that follows."""
