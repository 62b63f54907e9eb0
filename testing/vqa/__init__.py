"""Scenes to ask about, and an oracle that answers without the generator's code."""
