"""Paraphrases of questions by a model behind an OpenAI-compatible server; each is checked."""
