"""What the operator says: which addresses are closed, and which connections there are for all."""
