"""The pictures that are shown with a question: its own, as many grey ones, or none."""

import io
from functools import lru_cache
from pathlib import Path

from PIL import Image

from workflow_scripts.common.checksums import read_file_of_result
from workflow_scripts.common.errors import UserError
from workflow_scripts.common.records import Condition
from workflow_scripts.evaluate.eval_items import EvalItem

# A flat mid-grey picture shows nothing, yet the prompt keeps the form that a model was trained
# on, which a prompt without a picture does not.
BLANK_IMAGE = Image.new("RGB", (336, 336), (128, 128, 128))


# Questions come view by view, so few pictures are read twice.
@lru_cache(maxsize=64)
def load_image(root: Path, name: str) -> Image.Image:
    """Read a question's picture; `UserError` names the file if it cannot be read."""
    try:
        with Image.open(io.BytesIO(read_file_of_result(root / name))) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise UserError(f"{root / name}: picture cannot be read: {error}") from error


def images_for(item: EvalItem, root: Path, condition: Condition) -> list[Image.Image] | None:
    """Return what the model sees with a question: its pictures, as many grey ones, or none."""
    if condition == "blind":
        return None
    if condition == "blank":
        return [BLANK_IMAGE] * len(item.images)
    return [load_image(root, name) for name in item.images]
