"""Benchmarks of others, read from files in their form; one file a form."""
