"""The room that all tasks share: floor, back wall, wooden table, lights, procedural textures."""

import mujoco
import numpy as np

TABLE_SIZE_M = (1.50, 1.20, 0.045)
TABLE_CENTRE_M = (0.28, 0.0)
_GEOM = mujoco.mjtGeom
_TEXELS = 256


def add_room(spec: mujoco.MjSpec, *, table_z_m: float) -> dict[str, mujoco.MjsBody]:
    """Add the room, which is the same in every episode; return its bodies by name."""
    visual = spec.visual
    visual.quality.offsamples = 0
    visual.headlight.ambient = [0.36, 0.36, 0.37]
    visual.headlight.diffuse = [0.16, 0.16, 0.16]
    visual.headlight.specular = [0.0, 0.0, 0.0]
    spec.stat.extent = 2.0
    visual.map.znear, visual.map.zfar = 0.005, 10.0
    for position, strength in (((0.9, 0.9, 3.0), 0.48), ((0.2, -1.4, 2.6), 0.20)):
        direction = np.array([0.2, 0.0, table_z_m]) - position
        spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=position,
            dir=direction / np.linalg.norm(direction),
            diffuse=[strength] * 3,
            specular=[0.15] * 3,
            castshadow=False,
        )
    _material(spec, "wood", wood(), repeat=(1.0, 1.0))
    _material(spec, "tiles", tiles(), repeat=(3.0, 3.0))
    _material(spec, "paint", paint(), repeat=(6.0, 4.0))
    bodies = {name: spec.worldbody.add_body(name=name) for name in ("table", "floor", "wall")}
    top = TABLE_SIZE_M[2]
    table = bodies["table"]
    table.pos = [*TABLE_CENTRE_M, table_z_m - top / 2]
    table.add_geom(
        name="table_top",
        type=_GEOM.mjGEOM_BOX,
        size=[side / 2 for side in TABLE_SIZE_M],
        material="wood",
        friction=[0.8, 0.01, 0.0005],
    )
    for x in (-1, 1):
        for y in (-1, 1):
            table.add_geom(
                type=_GEOM.mjGEOM_BOX,
                size=[0.03, 0.03, (table_z_m - top) / 2],
                pos=[
                    x * (TABLE_SIZE_M[0] / 2 - 0.06),
                    y * (TABLE_SIZE_M[1] / 2 - 0.06),
                    -table_z_m / 2,
                ],
                rgba=[0.55, 0.40, 0.24, 1],
                contype=0,
                conaffinity=0,
            )
    bodies["floor"].add_geom(
        type=_GEOM.mjGEOM_BOX, size=[3.5, 3.5, 0.05], pos=[0.5, 0, -0.05], material="tiles"
    )
    bodies["wall"].add_geom(
        type=_GEOM.mjGEOM_BOX, size=[0.05, 3.5, 1.5], pos=[-1.9, 0, 1.5], material="paint"
    )
    return bodies


def _material(
    spec: mujoco.MjSpec, name: str, texels: np.ndarray, *, repeat: tuple[float, float]
) -> None:
    spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=texels.shape[1],
        height=texels.shape[0],
        nchannel=3,
        data=texels.ravel().tolist(),
    )
    material = spec.add_material(name=name, texrepeat=repeat, specular=0.1, shininess=0.1)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name


def _noise(shape: tuple[int, int], cells: tuple[int, int], seed: int) -> np.ndarray:
    """Return smooth periodic noise [h, w] in [0, 1] with (rows, columns) of grid cells."""
    grid = np.random.default_rng(seed).random(cells)
    rows = np.arange(shape[0]) * cells[0] / shape[0]
    columns = np.arange(shape[1]) * cells[1] / shape[1]
    r, c = rows.astype(int), columns.astype(int)
    fr, fc = (rows - r)[:, None], (columns - c)[None]
    fr, fc = fr * fr * (3 - 2 * fr), fc * fc * (3 - 2 * fc)
    below, right = (r + 1) % cells[0], (c + 1) % cells[1]
    upper = grid[np.ix_(r, c)] * (1 - fc) + grid[np.ix_(r, right)] * fc
    lower = grid[np.ix_(below, c)] * (1 - fc) + grid[np.ix_(below, right)] * fc
    values: np.ndarray = upper * (1 - fr) + lower * fr
    return values


def _shade(fraction: np.ndarray, dark: tuple[int, ...], light: tuple[int, ...]) -> np.ndarray:
    mixed = np.asarray(dark) + fraction[..., None] * (np.asarray(light) - np.asarray(dark))
    texels: np.ndarray = np.clip(mixed, 0, 255).astype(np.uint8)
    return texels


def wood() -> np.ndarray:
    """Return texels u8 [h, w, 3] of a light board: long grain, a few darker bands."""
    size = (_TEXELS, _TEXELS)
    bands = _noise(size, (10, 2), 1)
    grain = _noise(size, (128, 5), 2)
    fine = _noise(size, (256, 40), 3)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (3 * bands + 1.5 * _noise(size, (3, 2), 4)))
    return _shade(0.35 * rings + 0.4 * grain + 0.25 * fine, (184, 136, 78), (226, 184, 124))


def tiles() -> np.ndarray:
    """Return texels u8 [h, w, 3] of two pale tiles each way with joints."""
    size = (_TEXELS, _TEXELS)
    row, column = np.indices(size) * 2 // _TEXELS
    share = 0.25 + 0.5 * ((row + column) % 2) + 0.25 * _noise(size, (32, 32), 5)
    texels = _shade(share, (188, 186, 182), (226, 225, 221))
    edge = _TEXELS // 2
    texels[::edge] = texels[:, ::edge] = (150, 148, 145)
    return texels


def paint() -> np.ndarray:
    """Return texels u8 [h, w, 3] of a dark wall in staggered panels."""
    size = (_TEXELS, _TEXELS)
    texels = _shade(_noise(size, (24, 24), 6), (16, 58, 64), (24, 76, 82))
    edge = _TEXELS // 2
    texels[::edge] = (12, 42, 48)
    texels[:edge, :: 2 * edge] = texels[edge:, edge :: 2 * edge] = (12, 42, 48)
    return texels
