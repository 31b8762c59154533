"""Who answers in a conversation: personas of the operator and of users."""
