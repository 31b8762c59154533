"""Each revision expands what is there: the code before it goes on running on it."""
