"""Input functions and flags of the rules in evaluate.smk."""

# A model that learned to write its steps first needs room for them; they have up to 250 tokens.
TOKENS_WITH_STEPS = 384


def report_pictures():
    """Return the pictures that the report shows: the first shards of every source."""
    return [
        f"results/{stage}/{source}/{shard}.png"
        for stage in ("scenes", "views", "depth", "captions", "pointclouds", "vqa")
        for source in sources_of(stage)
        for shard in list(SHARDS[source])[:SHARDS_IN_REPORT]
    ] + [
        f"results/evaluate/{experiment}/{picture}.png"
        for experiment in POSE_EXPERIMENTS
        for picture in ("errors", "keypoints")
    ]


def asked_questions(wildcards):
    """Return the file of what is asked: the questions of the split, or a benchmark."""
    if wildcards.asked in BENCHMARKS:
        return f"results/evaluate/benchmarks/{wildcards.asked}.jsonl"
    return f"results/vqa/{config['evaluate']['split']}.parquet"


def asked_folder(wildcards):
    """Return the folder that the pictures of what is asked are relative to."""
    if wildcards.asked in BENCHMARKS:
        return f"results/evaluate/benchmarks/{wildcards.asked}.pictures"
    return "results/vqa"


def asked_pictures(wildcards):
    """Return the pictures of a benchmark; those of our questions lie in many folders."""
    return asked_folder(wildcards) if wildcards.asked in BENCHMARKS else []


def asked_tokens(wildcards):
    """Return how long an answer may be: benchmarks are asked of models that say more."""
    own = config["evaluate"]["max_new_tokens"]
    if config["vqa"]["reasoning"] in ("written", "tagged"):
        own = max(own, TOKENS_WITH_STEPS)
    return BENCHMARKS.get(wildcards.asked, {}).get("max_new_tokens", own)


def answer_parts(condition, asked="predictions"):
    """Return the paths of all parts of an experiment's answers."""
    return [
        f"results/evaluate/{{experiment}}/{asked}.{condition}.{part:03d}.jsonl"
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


def scoring_modules():
    """Return the modules whose change must score answers again."""
    names = ["bootstrap", "items", "metrics", "numbers", "published", "replies"]
    return [
        "workflow_scripts/common/answers.py",
        *(f"workflow_scripts/evaluate/{name}.py" for name in names),
    ]
