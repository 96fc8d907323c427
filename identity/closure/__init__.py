"""The end of an account: export, erasure, retention."""
