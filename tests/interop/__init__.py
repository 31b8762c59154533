"""Parley beside model servers that others wrote, from the package registries: ``make interop``.

Their answers are known beforehand, so a word that is lost, doubled or garbled is seen. They are no
part of ``make test``: what installs them is ``tools.interop``.
"""
