"""The history of the chat database's schema; `chat-service migrate` applies it."""
