"""What can be done with provider keys, each as one function."""
