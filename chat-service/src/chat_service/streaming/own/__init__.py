"""Whose a run is: heartbeats, takeover, the one end of each run, and what is swept behind it."""
