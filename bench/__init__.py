"""What bin/bench runs: a portal as a city runs it, a hello view beside it, and a load on both in turn."""
