"""Input functions of the rules in evaluate_rooms.smk."""


def focal_answers(condition):
    """Return an input function: answers about rooms drawn with another focal length."""
    return lambda wildcards: EXPERIMENTS[wildcards.experiment].answer_files(
        condition, CONTEXT, question_set=f"focal{wildcards.percent}"
    )
