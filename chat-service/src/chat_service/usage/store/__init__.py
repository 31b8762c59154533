"""The ledger of usage in PostgreSQL."""
