"""How codes are sent: by mail, or into the log where there is no mail server; their job queue."""
