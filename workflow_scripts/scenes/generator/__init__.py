"""Draw houses of ProcTHOR's schema from ProcTHOR's tables, without Unity.

`house` draws one house in this order, a file for every step:

    floor_plan -> walls -> openings -> materials -> floor_objects -> small_objects -> wall_objects
    -> export

`floor_objects` holds the programme of every room type; its groups (beds, tables with chairs,
counters, ...) come from `living_groups`, `table_groups` and `wet_groups`, and `placement` puts
them on the free floor that `space` keeps. Inside the generator all coordinates are those of the
plan: x, y on the floor and z up, in metres, right-handed; `export` alone writes Unity's frame.
"""

from workflow_scripts.scenes.generator.house import generate_house

__all__ = ["generate_house"]
