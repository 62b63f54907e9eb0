"""Furniture for the embedded renderer: `build` gives the mesh of any ProcTHOR asset."""

from workflow_scripts.views.furniture.build import build
from workflow_scripts.views.furniture.sweethome import credits

__all__ = ["build", "credits"]
