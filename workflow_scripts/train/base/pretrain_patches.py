"""Batches for the first phase of pre-training: changed images, and what their patches show.

The vision tower learns from every patch: the name of what fills most of it, how far away that is,
and where in the image the middle of that object lies. Images are mirrored, cut out and enlarged,
and change their colours, because there are few houses and the tower would remember them. Images
taken straight down, in which no direction is up, are turned by quarters, too. An image enlarged by
a factor looks as if everything were nearer by that factor, so depth is divided by it.
"""

import numpy as np
import torch
from torch.nn import functional

from workflow_scripts.common.image_marks import MARK_COLOURS, mark_radius_px
from workflow_scripts.common.seeds import rng as seeded
from workflow_scripts.geometry.cameras import yaw_pitch_deg
from workflow_scripts.sources.readers.procthor_assets import STRUCTURE_CATEGORIES
from workflow_scripts.train.base.pretrain_images import AnnotatedImages, MarkSprites
from workflow_scripts.train.base.tiny_vlm import TinyVlmConfig

# A mark is small, and questions are about it: its pixels count this often for a patch's name.
MARK_PIXEL_WEIGHT = 5.0
# An object names a patch if it fills a sixth of it before a wall.
BACKGROUND_PIXEL_WEIGHT = 0.2
MARKED_FRACTION = 0.4
MIN_CROP = 0.6
LOG_BRIGHTNESS, LOG_TINT, LOG_CONTRAST = 0.25, 0.08, 0.2
MIN_DEPTH_M = 0.1
# A camera that looks down by this much looks straight down.
STRAIGHT_DOWN_DEG = -89.0
# What patches show is counted on every second pixel of every second row.
LABEL_STRIDE = 2


def patch_index(count: int, side: int, patch_px: int) -> torch.Tensor:
    """Return the number of the patch that each pixel of `count` images lies in [n, side, side]."""
    grid = side // patch_px
    line = torch.arange(side) // patch_px
    return (torch.arange(count)[:, None, None] * grid + line[:, None]) * grid + line


def patch_class_ids(
    label_map: torch.Tensor,
    *,
    patch_px: int,
    num_classes: int,
    num_background: int = 1 + len(STRUCTURE_CATEGORIES),
    num_marks: int = len(MARK_COLOURS),
) -> torch.Tensor:
    """Return the class [n, patches] that each patch is to be named by.

    It is the one with most pixels, where those of marks count more and those of walls and the like
    less: small objects would else never be learned. `label_map` [n, side, side] holds class
    numbers: the first `num_background` are no objects, the last `num_marks` are colours of marks.
    """
    count, side = label_map.shape[:2]
    patch = patch_index(count, side, patch_px)
    num_patches = count * (side // patch_px) ** 2
    weight = torch.ones(num_classes)
    weight[:num_background] = BACKGROUND_PIXEL_WEIGHT
    weight[num_classes - num_marks :] = MARK_PIXEL_WEIGHT
    histogram = torch.bincount(
        (patch * num_classes + label_map).ravel(), minlength=num_patches * num_classes
    )
    histogram = histogram.reshape(num_patches, num_classes)
    return (histogram * weight).argmax(dim=1).reshape(count, -1)


def mean_over_class(
    values: torch.Tensor, label_map: torch.Tensor, class_ids: torch.Tensor, *, patch_px: int
) -> torch.Tensor:
    """Return the mean [n, patches] of values [n, side, side] over the pixels of a patch's class."""
    count, side = values.shape[:2]
    patch = patch_index(count, side, patch_px).ravel()
    chosen = (label_map.ravel() == class_ids.ravel()[patch]).float()
    num_patches = class_ids.numel()
    pixels = torch.bincount(patch, weights=chosen, minlength=num_patches)
    sums = torch.bincount(patch, weights=chosen * values.ravel(), minlength=num_patches)
    return (sums / pixels).float().reshape(class_ids.shape)


class PatchDataset(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Item `step` is a whole batch, always the same for the same seed."""

    def __init__(
        self,
        images: AnnotatedImages,
        size: TinyVlmConfig,
        *,
        steps: int,
        images_per_step: int,
        num_classes: int,
        seed: int,
    ) -> None:
        self._images = images
        self._size = size
        self._steps = steps
        self._per_step = images_per_step
        self._num_classes = num_classes
        self._seed = seed
        self._sprites = MarkSprites(size.image_px)
        pitches_deg = [yaw_pitch_deg(camera.world_from_camera)[1] for camera in images.cameras]
        self._is_top_down = np.array(pitches_deg) < STRAIGHT_DOWN_DEG

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> dict[str, torch.Tensor]:
        rng = seeded(self._seed, "patches", step)
        chosen = rng.integers(len(self._images), size=self._per_step)
        rgb, label_map, depth_m, center = self._cut_out(chosen, rng)
        rgb = _change_colours(rgb, rng)
        self._draw_marks(rgb, label_map, center, rng)
        patch_px = self._size.patch_px // LABEL_STRIDE
        class_ids = patch_class_ids(label_map, patch_px=patch_px, num_classes=self._num_classes)
        log_depth, *centers = (
            mean_over_class(values, label_map, class_ids, patch_px=patch_px)
            for values in (depth_m.clamp_min(MIN_DEPTH_M).log(), *center.unbind(-1))
        )
        return {
            "pixel_values": rgb.sub_(0.5).div_(0.25),
            "patch_classes": class_ids,
            "patch_log_depth": log_depth,
            "patch_object_center": torch.stack(centers, dim=-1),
        }

    def _cut_out(
        self, chosen: np.ndarray, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Mirror half of the images, turn top-down ones, and enlarge a random part of each.

        Returns the images f32 [n, 3, side, side] between 0 and 1, and of some of their pixels the
        classes, depths and the middle of the object that each shows (column, row, as fractions of
        the side).
        """
        count, side = len(chosen), self._size.image_px
        scale = rng.uniform(MIN_CROP, 1.0, size=count)
        shift = rng.uniform(-1.0, 1.0, size=(count, 2)) * (1 - scale[:, None])
        mirror = rng.choice([-1.0, 1.0], size=count)
        quarters = rng.integers(4, size=count) * self._is_top_down[chosen]
        turn = quarter_turns(quarters) * np.stack([mirror, np.ones(count)], axis=-1)[:, None]
        transform = np.concatenate([scale[:, None, None] * turn, shift[..., None]], axis=-1)
        grid = functional.affine_grid(
            torch.from_numpy(transform).float(), [count, 3, side, side], align_corners=False
        )
        source = torch.from_numpy(self._images.rgb[chosen]).permute(0, 3, 1, 2).float() / 255
        rgb = functional.grid_sample(
            source, grid, mode="bilinear", padding_mode="border", align_corners=False
        )
        size = self._images.rgb.shape[1]
        sampled = grid[:, ::LABEL_STRIDE, ::LABEL_STRIDE]
        column, row = ((sampled + 1) * size / 2 - 0.5).round().long().clamp(0, size - 1).unbind(-1)
        column, row = column.numpy(), row.numpy()
        image = np.asarray(chosen)[:, None, None]
        label_map = self._images.label_map[image, row, column].astype(np.int64)
        depth_m = self._images.depth_m[image, row, column] / scale[:, None, None]
        offset = torch.from_numpy(self._images.center_offset[image, row, column]).float()
        enlarge = torch.from_numpy(turn / scale[:, None, None]).float()
        center = (offset.flatten(1, 2) @ enlarge).view_as(offset)
        pixels = (torch.arange(0, side, LABEL_STRIDE) + 0.5) / side
        center[..., 0] += pixels
        center[..., 1] += pixels[:, None]
        return (
            rgb,
            torch.from_numpy(label_map),
            torch.from_numpy(depth_m).float(),
            center,
        )

    def _draw_marks(
        self,
        rgb: torch.Tensor,
        label_map: torch.Tensor,
        center: torch.Tensor,
        rng: np.random.Generator,
    ) -> None:
        """Draw one mark of each of some colours into some of the images, in place."""
        side, radius = self._size.image_px, mark_radius_px(self._size.image_px)
        line, column = np.mgrid[:side:LABEL_STRIDE, :side:LABEL_STRIDE] + 0.5
        first = self._num_classes - len(MARK_COLOURS)
        for number in np.flatnonzero(rng.random(len(rgb)) < MARKED_FRACTION):
            image = np.rint(255 * rgb[number].permute(1, 2, 0).numpy()).astype(np.uint8)
            for class_id, colour in enumerate(MARK_COLOURS, start=first):
                if rng.random() < 0.5:
                    u, v = rng.uniform(radius, side - radius, size=2)
                    self._sprites.paste(image, colour, u, v)
                    disc = torch.from_numpy((column - u) ** 2 + (line - v) ** 2 <= radius**2)
                    label_map[number][disc] = class_id
                    center[number][disc] = torch.tensor([u / side, v / side]).float()
            rgb[number] = torch.from_numpy(image).permute(2, 0, 1).float() / 255


def quarter_turns(quarters: np.ndarray) -> np.ndarray:
    """Return rotations [n, 2, 2] of (column, row) by exact quarters of a turn [n]."""
    cosine, sine = (np.array(values)[quarters % 4] for values in ([1, 0, -1, 0], [0, 1, 0, -1]))
    rotations: np.ndarray = np.stack(
        [np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2
    )
    return rotations


def _change_colours(rgb: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Change brightness, tint and contrast of each image f32 [n, 3, side, side]."""

    def factors(spread: float, *shape: int) -> torch.Tensor:
        return torch.from_numpy(np.exp(spread * rng.standard_normal((len(rgb), *shape)))).float()

    mean = rgb.mean(dim=(1, 2, 3), keepdim=True)
    gain = factors(LOG_BRIGHTNESS, 1, 1, 1) * factors(LOG_TINT, 3, 1, 1)
    contrast = factors(LOG_CONTRAST, 1, 1, 1)
    # ((rgb - mean) * contrast + mean) * gain, with one pass over the pixels.
    changed = torch.addcmul(mean * (1 - contrast) * gain, rgb, contrast * gain)
    return changed.clamp_(0, 1)
