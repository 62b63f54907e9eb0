"""Tuning of vision-language models on conversations."""
