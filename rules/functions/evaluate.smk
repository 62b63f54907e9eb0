"""Input functions and flags of the rules in evaluate.smk."""

# A model that learned to write its steps first needs room for them; they have up to 250 tokens.
TOKENS_WITH_STEPS = 384


def report_pictures():
    """Return the pictures that the report shows: the first shards of every source."""
    return [
        f"results/{stage}/{source}/{shard}.png"
        for stage in ("scenes", "views", "depth", "captions", "pointclouds", "vqa")
        for source in sources_with_stage(stage)
        for shard in list(SHARDS[source])[:SHARDS_IN_REPORT]
    ] + [
        f"results/evaluate/{experiment}/{picture}.png"
        for experiment in POSE_EXPERIMENTS
        for picture in ("errors", "keypoints")
    ]


def question_set_file(wildcards):
    """Return the file of what is asked: the questions of the split, or a benchmark."""
    if wildcards.question_set in BENCHMARKS:
        return f"results/evaluate/benchmarks/{wildcards.question_set}.jsonl"
    return f"results/vqa/{config['evaluate']['split']}.parquet"


def question_set_image_folder(wildcards):
    """Return the folder that the pictures of what is asked are relative to."""
    if wildcards.question_set in BENCHMARKS:
        return f"results/evaluate/benchmarks/{wildcards.question_set}.pictures"
    return "results/vqa"


def question_set_images(wildcards):
    """Return the pictures of a benchmark; those of our questions lie in many folders."""
    return (
        question_set_image_folder(wildcards)
        if wildcards.question_set in BENCHMARKS
        else []
    )


def max_answer_tokens(wildcards):
    """Return how long an answer may be: benchmarks are asked of models that say more."""
    own = config["evaluate"]["max_new_tokens"]
    if config["vqa"]["reasoning"] in ("written", "tagged"):
        own = max(own, TOKENS_WITH_STEPS)
    return BENCHMARKS.get(wildcards.question_set, {}).get("max_new_tokens", own)


def answer_parts(condition, question_set="predictions"):
    """Return the paths of all parts of an experiment's answers."""
    return [
        f"results/evaluate/{{experiment}}/{question_set}.{condition}.{part:03d}.jsonl"
        for part in range(config["evaluate"]["num_parts"])
    ]


def score_files():
    """Return the paths of all scores; only experiments on a VLM are asked benchmarks."""
    return [
        *expand("results/evaluate/{experiment}/scores.csv", experiment=EXPERIMENTS),
        *expand(
            "results/evaluate/{experiment}/{name}.scores.csv",
            experiment=VLM_EXPERIMENTS,
            name=BENCHMARKS,
        ),
    ]
