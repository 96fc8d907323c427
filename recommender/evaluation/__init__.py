"""Measures the order on a log: files, acceptance, ablations, estimators, simulations. No part of serving."""
