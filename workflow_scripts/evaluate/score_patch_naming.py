"""Score how well the tiny base names what the patches of unseen views show.

Of every view of a split the image tokens are compared with the words of all names
(`models/patch_naming.py`). A patch counts where one object fills at least half of it; it is named
right if the name of that object's category fits best, of those of all categories, walls and floors
included. The baseline always gives the commonest name of the patches that count.
"""

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from workflow_scripts.common.cli import progress, run
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Split
from workflow_scripts.common.seeds import rng
from workflow_scripts.common.view_shard import ViewShard
from workflow_scripts.config.evaluate import ScoreSettings
from workflow_scripts.evaluate.bootstrap import SceneBootstrap, interval
from workflow_scripts.evaluate.metrics import PATCH_METRICS
from workflow_scripts.evaluate.score_table import ALL, NAN, ScoreRow, write_scores
from workflow_scripts.models import vlm
from workflow_scripts.models.patch_naming import best_names, name_word_weights, patch_objects
from workflow_scripts.sources.readers.procthor_assets import nameable_categories

logger = logging.getLogger(__name__)
TINY_BASE, PATCHES = "tiny base", "patches"
BATCH_SIZE = 32


def named_patches(
    model: Any, processor: Any, shards: Sequence[Path], split: str
) -> Iterator[dict[str, Any]]:
    """Yield the scene, true category and given name of every patch that counts."""
    categories = nameable_categories()
    weights = name_word_weights(processor.tokenizer, categories)
    for path in progress(shards, desc="name patches"):
        shard = ViewShard.open(path)
        objects = shard.objects[shard.objects["kind"] == "object"]
        category_of = {
            (row.scene_id, row.instance): row.category for row in objects.itertuples(index=False)
        }
        views = shard.views[shard.views["split"] == split]
        for start in range(0, len(views), BATCH_SIZE):
            batch = views.iloc[start : start + BATCH_SIZE]
            pixel_values = processor.image_processor(
                [Image.fromarray(shard.rgb(view)) for view in batch["view"]], return_tensors="pt"
            )["pixel_values"]
            given = best_names(model, pixel_values, weights)
            side = round(given.shape[1] ** 0.5)
            for view, scene_id, names in zip(batch["view"], batch["scene_id"], given, strict=True):
                instances = patch_objects(shard.instance(view), side)
                for instance, name in zip(instances, names, strict=True):
                    category = category_of.get((scene_id, int(instance)))
                    if category in categories:
                        yield {
                            "scene_id": scene_id,
                            "category": category,
                            "given": categories[name],
                        }


def summarise(
    patches: pd.DataFrame, *, split: Split, resamples: int, seed: int
) -> Iterator[ScoreRow]:
    """Yield a row for each metric over all patches, then one for each category."""
    commonest = patches["category"].value_counts().index[0]
    groups = [(ALL, patches), *patches.groupby("category")]
    for family, group in groups:
        resample = SceneBootstrap(
            group["scene_id"], resamples=resamples, rng=rng(seed, "bootstrap", PATCHES, family)
        )
        for metric in PATCH_METRICS:
            values = [
                np.array([metric.is_right(name, true) for name, true in pairs], dtype=float)
                for pairs in (
                    zip(group["given"], group["category"], strict=True),
                    ((commonest, true) for true in group["category"]),
                )
            ]
            (value, draws), (baseline, baseline_draws) = map(resample.means, values)
            ci_low, ci_high = interval(draws)
            gain_low, gain_high = interval(draws - baseline_draws)
            yield ScoreRow(
                experiment=TINY_BASE,
                benchmark=PATCHES,
                split=split,
                family=family,
                metric=metric.name,
                n=len(group),
                num_scenes=resample.num_scenes,
                value=value,
                ci_low=ci_low,
                ci_high=ci_high,
                majority=baseline,
                baseline="majority",
                baseline_value=baseline,
                gain=value - baseline,
                gain_low=gain_low if family == ALL else NAN,
                gain_high=gain_high if family == ALL else NAN,
                is_headline=metric.is_headline and family == ALL,
            )


def main(
    *,
    base: Path,
    views: list[Path],
    seed: int,
    out: Path,
    settings: ScoreSettings,
) -> None:
    """Score the names of patches.

    Args:
        base: Model folder.
        views: View shards of simulated houses.
        seed: The workflow's seed.
        out: Parquet table to write; a CSV file lies beside it.
        settings: Which split is scored, and resamples of houses.
    """
    model, processor = vlm.load_model_and_processor(str(base))
    patches = pd.DataFrame(list(named_patches(model, processor, views, settings.split)))
    if patches.empty:
        raise UserError(
            f"no view of split {settings.split!r} shows an object that fills half of a patch; "
            "raise sources.procthor.num_houses"
        )
    rows = list(
        summarise(
            patches,
            split=settings.split,
            resamples=settings.bootstrap_samples,
            seed=seed,
        )
    )
    write_scores(out, rows)
    logger.info("%d patches, %.3f named right", len(patches), rows[0].value)


if __name__ == "__main__":
    run(main)
