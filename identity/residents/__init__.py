"""Accounts of residents: attributes, protection, reach, and who may write."""
