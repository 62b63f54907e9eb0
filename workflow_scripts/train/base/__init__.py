"""Pre-training of the tiny base model."""
