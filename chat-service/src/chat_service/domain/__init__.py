"""What a conversation, its messages and its runs are: rules that need nothing but Python."""
