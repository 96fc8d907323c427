"""What readers see and do on the home: impressions, item actions, dismissals, exploration."""
