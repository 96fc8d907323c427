"""The resident's account: sessions, household, export, closure."""
