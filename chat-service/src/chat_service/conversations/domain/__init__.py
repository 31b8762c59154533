"""What a conversation and a message are."""
