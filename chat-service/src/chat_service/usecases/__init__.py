"""What can be asked of the chat service, each as one function over the ports it needs."""
