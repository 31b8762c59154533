"""What a model server is asked with, and what it is asked for: no protocol of any provider."""
