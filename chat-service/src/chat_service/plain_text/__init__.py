"""A text without Markdown's marks, also while it comes."""
