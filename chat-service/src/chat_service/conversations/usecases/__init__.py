"""What can be done with conversations, each as one function."""
