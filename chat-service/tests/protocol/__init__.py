"""The streaming protocol as a model, and a checker that looks at every order of its steps."""
