"""What every request and process of the portal shares: cache, policies, health, logs."""
