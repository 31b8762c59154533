"""Each application's conversations, turned into ours."""
