"""People's pages, in Chromium, on the real stack with the scripted model server."""
