"""What model servers send, and what it is read as."""
