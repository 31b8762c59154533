"""Reads an export in a process of its own, which holds nothing and may be killed: see `__main__`.

It knows no database and no service; what it makes of a file it says in frames.
"""
