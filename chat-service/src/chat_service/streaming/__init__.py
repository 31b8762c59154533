"""One log, many readers: runs are generated, logged in Redis, shown, and saved exactly once."""
