"""Draw houses of ProcTHOR's schema from ProcTHOR's tables, without Unity.

floor_plan -> walls -> openings (doors, windows) -> looks (materials, lights) -> floor_objects
(groups, placement on space) -> wall_objects -> small_objects -> export. Inside the generator all
coordinates are those of the plan: x, y on the floor and z up, in metres, right-handed; `export`
alone writes Unity's frame.
"""

from workflow_scripts.scenes.generator.house import generate_house

__all__ = ["generate_house"]
