"""Scores of answers about scans: grounding, dense captions, question answering."""
