"""The portal as a relying party, and what it offers to providers' clients."""
