"""What can be done with notes, each as one function over the ports it needs."""
