"""What can be asked of auth-service, one module a topic, free of wire and database."""
