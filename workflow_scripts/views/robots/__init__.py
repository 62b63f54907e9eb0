"""RLBench's tasks simulated with MuJoCo: a Panda arm, a table, five cameras, one file per task."""

import os

# MuJoCo reads it when first imported; software OpenGL (Mesa) through EGL needs no screen.
os.environ.setdefault("MUJOCO_GL", "egl")
