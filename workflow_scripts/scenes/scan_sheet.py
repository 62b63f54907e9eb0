"""Draw the scans of a shard: plans of simulated houses, names of scans from files."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from workflow_scripts.common.fonts import font
from workflow_scripts.common.storage import atomic_write
from workflow_scripts.scenes.floor_plan_sheet import draw_floor_plan_sheet
from workflow_scripts.sources.readers.scan_records import ScanScene

WIDTH_PX, LINE_PX, MARGIN_PX, MAX_LINES = 900, 24, 18, 100


def draw_scan_sheet(path: Path, scans: Sequence[ScanScene]) -> None:
    """Write the picture as PNG."""
    if not any(scan.name for scan in scans):
        draw_floor_plan_sheet(path, scans)
        return
    lines = [
        f"{scan.name}  {scan.split}  {scan.format}  {scan.skipped or ''}"
        for scan in scans[:MAX_LINES]
    ]
    if len(scans) > MAX_LINES:
        lines.append(f"and {len(scans) - MAX_LINES} more")
    sheet = Image.new("RGB", (WIDTH_PX, 2 * MARGIN_PX + LINE_PX * len(lines)), (250, 250, 248))
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(lines):
        at = (MARGIN_PX, MARGIN_PX + number * LINE_PX)
        pen.text(at, line, font=font(15), fill=(32, 34, 38))
    with atomic_write(path) as partial:
        sheet.save(partial, format="PNG")
