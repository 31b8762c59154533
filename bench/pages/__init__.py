"""What the pages cost a browser, and what those of Open WebUI's package cost the same one."""
