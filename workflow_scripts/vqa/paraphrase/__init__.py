"""Questions in other words, by a model behind an OpenAI-compatible server; each is checked."""
