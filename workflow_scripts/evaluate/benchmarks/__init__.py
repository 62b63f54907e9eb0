"""Importers of published benchmarks, one file for each format."""
