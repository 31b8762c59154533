"""The routes, by subject: each decodes, calls a service, encodes."""
