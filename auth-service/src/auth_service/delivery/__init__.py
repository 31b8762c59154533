"""How codes leave: by mail, or into the log where there is no mail yet."""
