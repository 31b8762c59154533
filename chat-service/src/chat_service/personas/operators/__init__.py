"""What the operator says: the personas that there are for all."""
