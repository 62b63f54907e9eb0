"""Input functions and flags of the rules in views.smk."""


def demonstration_backend(wildcards):
    """Return the module that demonstrates a source's episodes, in a list."""
    backend = config["sources"][wildcards.source]["backend"]
    name = "rlbench_dataset" if backend == "dataset" else backend
    return [f"workflow_scripts.views.backends.{name}"]
