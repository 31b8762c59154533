"""What goes over REST: request bodies, resources, problems. Names agree with the contracts."""
