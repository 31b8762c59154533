"""A canary key: planted in every way a key can take, and looked for wherever a thing can be kept."""
