"""Faults in mid-stream: the real stack, two of everything, killed, frozen and cut on purpose.

Each test proves that its fault hit while a stream was live, and that no shown token was lost.
"""
