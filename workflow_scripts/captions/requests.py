"""Decide what is to be captioned, and from which picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.captions.facts import RoomFacts, room_facts
from workflow_scripts.common.colours import colour_name
from workflow_scripts.common.item_errors import ItemErrors
from workflow_scripts.common.records import Split, ViewRow
from workflow_scripts.common.storage import read_table
from workflow_scripts.common.view_shard import ViewShard, table_path

TOP_DOWN = "top_down"
CROP_MARGIN = 0.15
MIN_ASSET_PIXELS = 100


@dataclass(frozen=True)
class AssetFacts:
    """An asset, and the colour it has in its picture ('' if that has no one name)."""

    asset_id: str
    category: str
    size_m: tuple[float, float, float]
    colour: str = ""


@dataclass(frozen=True)
class CaptionRequest:
    """One caption to be written. `image` u8 [h, w, 3] is None where nothing shows the asset.

    `problem` says why nothing can be asked, '' if it can.
    """

    kind: str
    source: str
    scene_id: str
    split: Split | None
    room_id: str = ""
    view: int | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    room: RoomFacts | None = None
    asset: AssetFacts | None = None
    problem: str = ""

    @property
    def name(self) -> str:
        """Name the request in messages."""
        return " ".join(filter(None, [self.kind, self.scene_id, self.room_id, self._asset_id]))

    @property
    def _asset_id(self) -> str:
        return self.asset.asset_id if self.asset else ""


def select_views(views: pd.DataFrame, kinds: Sequence[str]) -> list[tuple[str, ViewRow]]:
    """Return (kind, view) for every room: its best view, and its view from above.

    A room where no view is marked best is captioned from the one with most visible objects.
    """
    chosen = []
    for _, rows in views.groupby(["scene_id", "room_id"], sort=False):
        is_top_down = rows["policy"] == TOP_DOWN
        eye_level_rows = rows[~is_top_down].sort_values(
            ["is_best", "num_visible_objects", "view"], ascending=[False, False, True]
        )
        for kind, candidates in (("room", eye_level_rows), (TOP_DOWN, rows[is_top_down])):
            if kind in kinds and len(candidates):
                chosen.append((kind, ViewRow(**candidates.iloc[0].to_dict())))
    return chosen


def room_requests(
    shard: ViewShard, chosen: Sequence[tuple[str, ViewRow]]
) -> Iterator[CaptionRequest]:
    """Yield the requests for chosen views of a shard, reading one picture at a time."""
    errors = ItemErrors()
    num_usable = 0
    for kind, row in chosen:
        image, room, problem = None, None, ""
        try:
            image = shard.rgb(row.view)
            room = room_facts(shard, row, image)
        except Exception as error:
            problem = errors.reason(error, f"{kind} {row.view_id}")
        num_usable += not problem
        yield CaptionRequest(
            kind=kind,
            source=row.source,
            scene_id=row.scene_id,
            split=row.split,
            room_id=row.room_id,
            view=row.view,
            image=image,
            room=room,
            problem=problem,
        )
    errors.require_some(num_usable)


@dataclass(frozen=True)
class AssetView:
    """The best picture of an asset in any shard; `shard` is None where nothing shows it."""

    facts: AssetFacts
    source: str
    scene_id: str = ""
    split: Split | None = None
    shard: Path | None = None
    view: int = -1
    instance: int = 0
    box_px: tuple[int, int, int, int] = (0, 0, 0, 0)
    rank: tuple[int, float] = (0, 0.0)


def best_asset_views(shards: Sequence[Path], *, source: str) -> list[AssetView]:
    """Find the best picture of every asset in shards, from their tables alone, sorted by id.

    Best is: in a house of the training split (so that no test picture reaches training through
    an asset's name), then most pixels x fraction visible, counted half where the image border
    cuts it. The first of equals wins, so shards are to be given in order.
    """
    best: dict[str, AssetView] = {}
    for shard in shards:
        objects = read_table(table_path(shard, "objects"))
        objects = objects[(objects["kind"] == "object") & (objects["asset_id"] != "")]
        views = read_table(table_path(shard, "views"))
        views = views[views["policy"] != TOP_DOWN][["view", "split"]]
        seen = read_table(table_path(shard, "visibility")).merge(views, on="view")
        seen = seen[seen["pixels"] >= MIN_ASSET_PIXELS]
        for row in objects.drop_duplicates("asset_id").itertuples(index=False):
            size_m = (row.width_m, row.depth_m, row.height_m)
            facts = AssetFacts(row.asset_id, row.category, size_m)
            best.setdefault(row.asset_id, AssetView(facts, source))
        for row in seen.merge(objects, on=["scene_id", "instance"]).itertuples(index=False):
            weighted_pixels = row.pixels * row.fraction_visible * (0.5 if row.truncated else 1.0)
            rank = (int(row.split == "train"), float(weighted_pixels))
            if rank > best[row.asset_id].rank:
                best[row.asset_id] = AssetView(
                    AssetFacts(
                        row.asset_id, row.category, (row.width_m, row.depth_m, row.height_m)
                    ),
                    source=source,
                    scene_id=row.scene_id,
                    split=row.split,
                    shard=shard,
                    view=int(row.view),
                    instance=int(row.instance),
                    box_px=(int(row.x0), int(row.y0), int(row.x1), int(row.y1)),
                    rank=rank,
                )
    return [best[asset_id] for asset_id in sorted(best)]


def asset_requests(best: Sequence[AssetView]) -> Iterator[CaptionRequest]:
    """Yield a request per asset, shard by shard so that each is opened once, unseen ones last."""
    ordered = sorted(
        best,
        key=lambda asset_view: (
            asset_view.shard is None,
            str(asset_view.shard or ""),
            asset_view.view,
        ),
    )
    shard: ViewShard | None = None
    errors = ItemErrors()
    num_usable = 0
    for asset_view in ordered:
        if asset_view.shard is None:
            yield CaptionRequest("asset", asset_view.source, "", None, asset=asset_view.facts)
            continue
        if shard is None or shard.path != asset_view.shard:
            shard = ViewShard.open(asset_view.shard)
        rgb = shard.rgb(asset_view.view)
        mask = shard.instance(asset_view.view) == asset_view.instance
        facts, image, problem = asset_view.facts, None, ""
        try:
            facts = replace(facts, colour=colour_name(rgb, mask))
            image = crop(rgb, asset_view.box_px)
        except Exception as error:
            problem = errors.reason(error, f"asset {facts.asset_id}")
        num_usable += not problem
        yield CaptionRequest(
            "asset",
            asset_view.source,
            asset_view.scene_id,
            asset_view.split,
            image=image,
            asset=facts,
            problem=problem,
        )
    errors.require_some(num_usable)


def crop(rgb: np.ndarray, box_px: tuple[int, int, int, int]) -> np.ndarray:
    """Cut a box (x0, y0 inclusive, x1, y1 exclusive) with a margin out of a picture."""
    x0, y0, x1, y1 = box_px
    margin = max(8, round(CROP_MARGIN * max(x1 - x0, y1 - y0)))
    height, width = rgb.shape[:2]
    return np.ascontiguousarray(
        rgb[
            max(0, y0 - margin) : min(height, y1 + margin),
            max(0, x0 - margin) : min(width, x1 + margin),
        ]
    )
