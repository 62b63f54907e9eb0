"""Scores of reconstructed rooms: published metrics by their definitions, and ours beside them."""
