"""What carries every Parley service and knows none of them."""
