"""The history of the vault database's schema; ``apikey-service migrate`` applies it."""
