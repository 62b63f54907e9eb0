"""Questions per second per core: ask about a shard of views, pictures and records included.

Run `python -m benchmarks.vqa [--views results/views/procthor/0000.zarr]`; without a shard it
makes views of hand-made rooms at 336 pixels.
"""

import tempfile
import time
from pathlib import Path

from tests.synthetic import living_room_scene, write_shard
from workflow_scripts.common.cli import run
from workflow_scripts.vqa import shard


def main(*, views: Path | None = None) -> None:
    """Print the number of questions, the CPU seconds, and their quotient."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if views is None:
            scenes = {f"room{number}": living_room_scene(336, 336) for number in range(8)}
            views = write_shard(folder / "0000.zarr", scenes)
        out = folder / "vqa/procthor/0000.jsonl"
        start_s = time.process_time()
        shard.main(
            views=views,
            out=out,
            images=out.with_suffix(".images"),
            dropped=out.with_suffix(".dropped.jsonl"),
            picture=out.with_suffix(".png"),
        )
        spent_s = time.process_time() - start_s
        with out.open(encoding="utf-8") as lines:
            count = sum(1 for _ in lines)
    print(f"{count} questions, {spent_s:.2f} CPU s: {count / spent_s:.0f} questions/s per core")


if __name__ == "__main__":
    run(main)
