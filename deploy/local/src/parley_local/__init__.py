"""The embedded stack behind `make run`, and the scripted model server."""
