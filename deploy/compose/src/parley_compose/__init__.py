"""The one-shot job of docker-compose.yml that makes the secrets and hands them out."""
