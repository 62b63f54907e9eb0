"""RLBench's names and numbers: tasks with their ids, variations, cameras.

Ids are those of the 95 few-shot training tasks (FS95) in the order of RLBench 1.1, which is how
published data sets of demonstrations number them; tasks that joined or left RLBench later have no
id (-1). `rlbench_tasks.txt` lists the 95.
"""

from pathlib import Path

from workflow_scripts.common.errors import UserError, allowed_values

CAMERAS = ("left_shoulder", "right_shoulder", "overhead", "wrist", "front")
FIXED_CAMERAS = ("left_shoulder", "right_shoulder", "overhead", "front")
STEP_S = 0.05

_WITHOUT_ID = (
    "put_knife_on_chopping_board",
    "put_books_on_bookshelf",
    "push_buttons",
    "put_groceries_in_cupboard",
    "take_tray_out_of_oven",
    "basketball_in_hoop",
    "insert_onto_square_peg",
    "lift_numbered_block",
    "open_washing_machine",
    "pick_and_lift_small",
    "setup_chess",
    "stack_chairs",
    "put_all_groceries_in_cupboard",
)
TASK_IDS: dict[str, int] = {
    **{
        name: number
        for number, name in enumerate(
            Path(__file__).with_name("rlbench_tasks.txt").read_text(encoding="utf-8").split()
        )
    },
    **dict.fromkeys(_WITHOUT_ID, -1),
}
# How many variations a task has, where it is more than one: RLBench's own numbers. A task that is
# not here is planned with variation 0 unless the configuration names others.
NUM_VARIATIONS = {
    "reach_target": 20,
    "pick_and_lift": 20,
    "meat_off_grill": 2,
    "take_money_out_safe": 3,
}


def list_tasks(folder: Path) -> tuple[str, ...]:
    """Return the tasks that have a file in a folder, sorted; helpers have no task's name."""
    return tuple(sorted({path.stem for path in folder.glob("*.py")} & set(TASK_IDS)))


def task_id(task: str) -> int:
    """Return a task's id, -1 if it has none; `UserError` for a name that RLBench does not know."""
    if task not in TASK_IDS:
        raise UserError(f"unknown RLBench task {task!r}; {allowed_values(task, TASK_IDS)}")
    return TASK_IDS[task]
