"""Starts and stops the real parts that tests, benchmarks and developers run against."""
