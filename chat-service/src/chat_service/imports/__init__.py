"""Imports: conversations that come in as files of this and of other applications."""
