"""Render a MuJoCo scene without a screen: colour, exact depth and instance masks."""

import os
from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from OpenGL import GL

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import rays_camera
from workflow_scripts.views.robots.analytic_depth import refine_curved_depth
from workflow_scripts.views.robots.cameras import intrinsics, world_from_camera

__all__ = ["OffscreenContext", "OffscreenRenderer", "mujoco"]

_FLAG = mujoco.mjtRndFlag
MAX_SHAPES = 400
# Curved geoms are drawn as polygons with this many sides, which takes most of the rendering time.
# They lie inside the true surface by 2 % of its radius, a tenth of a pixel for the arm; scaling
# with the square root keeps that so in larger images. Depth does not depend on it: see
# `analytic_depth`.
_SLICES_AT_128_PX = 16


class OffscreenContext:
    """An OpenGL context without a window; one per process."""

    def __init__(self, *, size_px: int) -> None:
        self.size_px = size_px
        try:
            self.context = mujoco.GLContext(size_px, size_px)
            self.context.make_current()
            self.renderer = str(GL.glGetString(GL.GL_RENDERER), "ascii")
        except Exception as error:
            raise UserError(
                f"no OpenGL for rendering (MUJOCO_GL={os.environ.get('MUJOCO_GL')}): {error}. "
                "Install Mesa's software OpenGL (apt-get install libegl1 libgl1 libgl1-mesa-dri), "
                "or set MUJOCO_GL=osmesa and install libosmesa6"
            ) from error

    def close(self) -> None:
        self.context.free()


class OffscreenRenderer:
    """Renders the states of one model. Close it before the next model."""

    def __init__(
        self,
        gl_context: OffscreenContext,
        model: mujoco.MjModel,
        *,
        instance_of_geom: Mapping[int, int],
    ) -> None:
        self.model, self.size_px = model, gl_context.size_px
        self.scene = mujoco.MjvScene(model, maxgeom=MAX_SHAPES)
        self.scene.flags[_FLAG.mjRND_SHADOW] = 0
        self.scene.flags[_FLAG.mjRND_REFLECTION] = 0
        self.options = mujoco.MjvOption()
        self.options.sitegroup[:] = 0
        slices = round(_SLICES_AT_128_PX * max(1.0, self.size_px / 128) ** 0.5)
        model.vis.quality.numslices, model.vis.quality.numstacks = slices, round(0.4 * slices)
        # A buffer larger than the images would take time to clear.
        model.vis.global_.offwidth = model.vis.global_.offheight = self.size_px
        self.context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self.context)
        self.context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self.rect = mujoco.MjrRect(0, 0, self.size_px, self.size_px)
        self.instance = np.zeros(model.ngeom + 1, dtype=np.uint16)
        for geom, instance in instance_of_geom.items():
            self.instance[geom] = instance
        self.near_m = model.vis.map.znear * model.stat.extent
        self.far_m = model.vis.map.zfar * model.stat.extent
        self._geom_of_segment: np.ndarray | None = None
        self._rays = {
            name == "wrist": rays_camera(
                intrinsics(name, size_px=self.size_px),
                width_px=self.size_px,
                height_px=self.size_px,
            )
            for name in ("front", "wrist")
        }

    def close(self) -> None:
        self.context.free()

    def render(
        self, data: mujoco.MjData, names: Sequence[str]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return the images of v cameras in a state, and their poses [v, 4, 4].

        rgb u8 [v, h, w, 3], depth_m f32 [v, h, w] (NaN no hit), instance u16 [v, h, w].
        """
        shape = (len(names), self.size_px, self.size_px)
        rgb, id_colours = (np.empty((*shape, 3), dtype=np.uint8) for _ in range(2))
        depth_buffer = np.empty(shape, dtype=np.float32)
        for view, name in enumerate(names):
            self._draw(data, name, rgb[view], id_colours[view], depth_buffer[view])
        geom = self._geom_ids(id_colours[:, ::-1])
        depth = self._depth_m(depth_buffer[:, ::-1])
        depth[geom < 0] = np.nan
        poses = np.array([world_from_camera(data, name) for name in names])
        rays = np.array([self._rays[name == "wrist"] for name in names])
        refine_curved_depth(depth, geom, rays, poses, self.model, data)
        return rgb[:, ::-1], depth.astype(np.float32), self.instance[geom], poses

    def _draw(
        self,
        data: mujoco.MjData,
        name: str,
        rgb: np.ndarray,
        id_colours: np.ndarray,
        depth_buffer: np.ndarray,
    ) -> None:
        """Fill in colour, id colours and depth buffer of a camera, the lowest row first."""
        camera = mujoco.MjvCamera()
        camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        camera.fixedcamid = self.model.camera(name).id
        mujoco.mjv_updateScene(
            self.model, data, self.options, None, camera, mujoco.mjtCatBit.mjCAT_ALL, self.scene
        )
        mujoco.mjr_render(self.rect, self.scene, self.context)
        mujoco.mjr_readPixels(rgb, None, self.rect, self.context)
        self.scene.flags[_FLAG.mjRND_SEGMENT] = self.scene.flags[_FLAG.mjRND_IDCOLOR] = 1
        mujoco.mjr_render(self.rect, self.scene, self.context)
        mujoco.mjr_readPixels(id_colours, depth_buffer, self.rect, self.context)
        self.scene.flags[_FLAG.mjRND_SEGMENT] = self.scene.flags[_FLAG.mjRND_IDCOLOR] = 0

    def _geom_ids(self, id_colours: np.ndarray) -> np.ndarray:
        """Return the geom id at each pixel, -1 for none."""
        if self._geom_of_segment is None:
            # The drawn geoms and their order are the same in every image of a model.
            self._geom_of_segment = np.full(self.scene.ngeom + 1, -1, dtype=np.int64)
            for shape in self.scene.geoms[: self.scene.ngeom]:
                if shape.segid >= 0 and shape.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                    self._geom_of_segment[shape.segid + 1] = shape.objid
        # MAX_SHAPES ids fit into two bytes: the third is always zero.
        return self._geom_of_segment[id_colours[..., 0] + np.uint16(256) * id_colours[..., 1]]

    def _depth_m(self, depth_buffer: np.ndarray) -> np.ndarray:
        """Undo OpenGL's projection with reversed z: 1 at the near plane, 0 at the far one."""
        near, far = np.float64(self.near_m), np.float64(self.far_m)
        return near * far / (near + depth_buffer.astype(np.float64) * (far - near))
