"""Which picture stage scenes draws of a shard: a table that rules import without the drawing."""

SHEETS = {
    "house": "workflow_scripts.scenes.floor_plan_sheet:draw_floor_plan_sheet",
    "episode": "workflow_scripts.scenes.episode_sheet:draw_episode_sheet",
    "scan": "workflow_scripts.scenes.scan_sheet:draw_scan_sheet",
}
