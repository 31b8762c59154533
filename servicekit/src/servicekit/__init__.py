"""What every service is made of: its parts and command line, erasure, tables that each one has."""
