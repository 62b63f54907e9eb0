"""The tasks of the embedded robot simulator: one file each, under RLBench's names."""

NAMES = (
    "close_fridge",
    "meat_off_grill",
    "pick_and_lift",
    "put_rubbish_in_bin",
    "put_shoes_in_box",
    "reach_target",
    "take_money_out_safe",
    "take_usb_out_of_computer",
    "unplug_charger",
)
