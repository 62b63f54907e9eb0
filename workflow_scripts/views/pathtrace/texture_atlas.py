"""Look up the colour of materials at texture coordinates, with mip levels for distance."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from workflow_scripts.common.srgb import linear_from_srgb
from workflow_scripts.views.meshes import Material

LINEAR_OF_SRGB = linear_from_srgb(np.arange(256) / 255.0).astype(np.float32)
_MAX_SIDE_PX = 512
_ALBEDO_MIN, _ALBEDO_MAX = 0.015, 0.88


class TextureAtlas:
    """All textures of a scene in one table, each with its mip levels.

    Level 0 is the texture (a material without one gets a single texel of its colour); every next
    level halves both sides. `level_offsets` i64 [m, level] are first rows in `colours` u8 [t, 3].
    """

    def __init__(self, materials: Sequence[Material]) -> None:
        texel_rows: list[np.ndarray] = []
        starts_of_material: list[list[int]] = []
        self.width = np.ones(len(materials), dtype=np.int32)
        self.height = np.ones(len(materials), dtype=np.int32)
        self.last_level = np.zeros(len(materials), dtype=np.int32)
        texture_starts: dict[int, tuple[list[int], int, int]] = {}
        count = 0
        self.tint = np.ones((len(materials), 3), dtype=np.float32)
        for number, material in enumerate(materials):
            if material.texture is None:
                self.tint[number] = np.clip(material.colour, _ALBEDO_MIN, _ALBEDO_MAX)
                starts_of_material.append([0])
                continue
            self.tint[number] = material.tint
            if id(material.texture) not in texture_starts:
                levels = _mip_levels(material.texture)
                level_starts = []
                for level in levels:
                    level_starts.append(count + 1)
                    texel_rows.append(level.reshape(-1, 3))
                    count += level.shape[0] * level.shape[1]
                texture_starts[id(material.texture)] = (
                    level_starts,
                    levels[0].shape[1],
                    levels[0].shape[0],
                )
            level_starts, self.width[number], self.height[number] = texture_starts[
                id(material.texture)
            ]
            self.last_level[number] = len(level_starts) - 1
            starts_of_material.append(level_starts)
        num_levels = max(map(len, starts_of_material), default=1)
        self.level_offsets = np.array(
            [[*row, *[row[-1]] * (num_levels - len(row))] for row in starts_of_material]
        )
        self.colours = np.concatenate([np.full((1, 3), 255, np.uint8), *texel_rows])

    def density(self, triangles: np.ndarray, uv: np.ndarray, material: np.ndarray) -> np.ndarray:
        """Return log2 of texels per metre on faces, f32 [f]; very low where there is no texture."""
        edges = triangles[:, 1:] - triangles[:, :1]
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
        uv_edges = uv[:, 1:] - uv[:, :1]
        texels = np.abs(
            uv_edges[:, 0, 0] * uv_edges[:, 1, 1] - uv_edges[:, 0, 1] * uv_edges[:, 1, 0]
        )
        texels = texels * (self.width * self.height)[material]
        ratio = np.maximum(texels, 1e-12) / np.maximum(area, 1e-12)
        density: np.ndarray = (0.5 * np.log2(ratio)).astype(np.float32)
        return density

    def albedo(
        self, material: np.ndarray, u: np.ndarray, v: np.ndarray, level: np.ndarray
    ) -> np.ndarray:
        """Return linear reflectance f32 [3, n]; `level` f32 [n] is log2 of texels per sample."""
        mip_level = np.clip(level, 0, self.last_level[material]).astype(np.int32)
        width = np.maximum(self.width[material] >> mip_level, 1)
        height = np.maximum(self.height[material] >> mip_level, 1)
        x = ((u - np.floor(u)) * width).astype(np.int32)
        y = ((np.float32(1) - (v - np.floor(v))) * height).astype(np.int32)
        np.minimum(x, width - 1, out=x)
        np.minimum(y, height - 1, out=y)
        texel = self.level_offsets[material, mip_level] + y * width + x
        colour = LINEAR_OF_SRGB[self.colours[texel]] * self.tint[material]
        albedo: np.ndarray = np.clip(colour, _ALBEDO_MIN, _ALBEDO_MAX).T
        return albedo


def _mip_levels(texture: np.ndarray) -> list[np.ndarray]:
    """Return the texture (at most 512 px) and its halved copies, down to one texel a side."""
    image = Image.fromarray(np.ascontiguousarray(texture[..., :3], dtype=np.uint8))
    if max(image.size) > _MAX_SIDE_PX:
        image.thumbnail((_MAX_SIDE_PX, _MAX_SIDE_PX), Image.Resampling.BOX)
    levels = [np.asarray(image)]
    width, height = image.size
    while width > 1 or height > 1:
        width, height = max(width // 2, 1), max(height // 2, 1)
        levels.append(np.asarray(image.resize((width, height), Image.Resampling.BOX)))
    return levels
