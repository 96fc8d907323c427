"""Who may act for whom, and how that begins and ends."""
