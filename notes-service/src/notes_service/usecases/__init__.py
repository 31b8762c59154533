"""What can be done with notes, each as one function."""
