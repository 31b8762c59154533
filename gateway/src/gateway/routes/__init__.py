"""What builds a kind of route: the terms of its body, its token, its ids, its place in the document."""
