"""One scripted model server, OpenAI's protocol and Anthropic's, behaving as the model's name says."""

from parley_local.model_server.texts import reasoning_of, text_of

__all__ = ["reasoning_of", "text_of"]
