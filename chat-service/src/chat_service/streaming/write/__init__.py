"""A run's owner writes: the provider's stream into frames, frames into the log, then into sight."""
