"""Services of third parties: their manifests, cards, fetching, review and launch."""
