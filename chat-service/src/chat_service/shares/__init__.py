"""What others are shown of a conversation: made, opened, copied, and taken back."""
