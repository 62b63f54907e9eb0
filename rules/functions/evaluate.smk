"""Input functions of the rules in evaluate.smk."""


def question_files(wildcards):
    """Return the questions of a set as an experiment is asked them."""
    experiment = EXPERIMENTS[wildcards.experiment]
    return QUESTION_SETS.of(experiment, wildcards.question_set, CONTEXT)
