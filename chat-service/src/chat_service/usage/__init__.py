"""What models have cost whom, without a word of what was said: counted by day, limited, and shown."""
