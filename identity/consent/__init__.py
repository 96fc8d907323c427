"""The ledger of consents, what left under them, and figures about both."""
