"""What the operator says: prices of models, and limits."""
