"""PostgreSQL: connections, transactions, roles, migrations and the owners of rows."""
