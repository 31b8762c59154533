"""What `make` runs: setting up, generating, checking. Nothing here is shipped."""
