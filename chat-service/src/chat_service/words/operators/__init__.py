"""What the operator says: the words, and whether they are masked or refused."""
