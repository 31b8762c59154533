"""How a request to a model server is made: its URL, what is said in it, and what a refusal teaches."""
