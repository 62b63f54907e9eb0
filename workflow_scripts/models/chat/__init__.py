"""Ask an OpenAI-compatible server: a few requests at once, each paid once, under a spend cap."""
