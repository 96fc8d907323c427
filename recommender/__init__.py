"""Ranks items by features; knows features, never people."""

import os

# One request ranks on one thread: the matrix is too small to share out, and waiting threads burn CPU.
# OpenBLAS reads this when numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
