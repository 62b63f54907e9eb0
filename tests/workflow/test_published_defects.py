"""Every known defect of the published video models on scans has a test here that would find it."""

import ast
from pathlib import Path

import pytest

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.sources.scan_settings import FrameSelectionSettings

ROOT = Path(__file__).parents[2]
SCORE, IMPORT = "evaluate/video/test_score", "vqa/scans/annotations"
TOKENS, MODEL = "models/video/test_token_coordinates", "models/video/test_video_model"
# What went wrong, and the tests (file:function) that fail if it does here.
DEFECTS = {
    "prompts of training and of asking differ": (
        "evaluate/video/test_predict:test_a_model_is_asked_exactly_as_it_was_taught",
    ),
    "pixels without depth count as points at the camera": (
        f"{TOKENS}:test_tokens_without_depth_and_frames_without_a_pose_have_none",
        "sources/readers/scans/test_scannet:test_lost_tracking_is_a_row_with_its_reason",
        "sources/readers/scans/test_scannet:test_zero_is_no_depth_and_a_scan_without_depth_is_read",
    ),
    "an unknown strategy of frames means uniform ones": (
        "workflow/test_published_defects:test_strategies_of_frames_have_one_name_each",
    ),
    "files of Multi3DRefer are written under one name and read under another": (
        "vqa/scans/test_llava_form:test_files_are_called_as_published",
    ),
    "the selection probability of code and paper differ, and it is chosen on what is scored": (
        f"{SCORE}:test_the_probability_is_chosen_on_validation_samples_alone",
        f"{SCORE}:test_nothing_is_chosen_on_the_samples_that_are_scored",
        "evaluate/video/test_scored_by_hand:test_sets_of_objects",
    ),
    "a caption without a box is scored beside another object's references": (
        f"{SCORE}:test_captions_are_gated_beside_their_own_references",
        "evaluate/video/test_grounding_metrics:test_gated_captions",
    ),
    "the empty caption earns points": ("evaluate/video/test_scored_by_hand:test_captions",),
    "equal gains of frames are drawn without a seed": (
        "geometry/test_frame_selection:test_ties_go_to_the_first_frame",
    ),
    "importing changes the raw files, and one data set needs another to be imported first": (
        f"{IMPORT}/test_import_command:test_every_data_set_is_imported_and_every_loss_is_a_row",
        f"{IMPORT}/test_import_command:test_scan2cap_does_not_need_scanrefer",
    ),
    "scans whose ids have gaps lose their boxes and keep their samples": (
        "vqa/scans/test_llava_form:test_boxes_are_at_the_id_of_their_object",
        f"{IMPORT}/test_datasets:test_scanrefer_samples_have_the_box_of_the_object_id",
    ),
    "a sample that cannot be loaded is replaced by the next one": (
        "train/video/test_finetune:test_samples_that_cannot_be_learned_are_rows_with_reasons",
        "evaluate/video/test_predict:test_a_sample_that_cannot_be_asked_keeps_its_reason",
    ),
    "a sample changes each time it is read": (
        "vqa/scans/test_llava_form:test_an_entry_is_equal_whenever_it_is_made",
    ),
    "the text False is true": (
        "workflow/test_published_defects:test_false_is_false_in_every_spelling",
    ),
    "an answer file that exists ends the evaluation, and nobody counts the answers": (
        "evaluate/video/test_predict:test_answers_are_the_same_after_a_run_that_was_cut",
        "evaluate/video/test_score_inputs:test_ids_and_scores_must_fit_the_samples",
    ),
    "of a batch the first sample alone counts": (
        f"{MODEL}:test_packed_questions_have_the_losses_of_separate_ones",
        f"{MODEL}:test_coordinates_of_a_question_change_its_own_answer_alone",
        "models/video/test_heads:test_padding_changes_nothing",
    ),
    "settings are accepted and ignored": (
        "workflow/test_published_defects:test_every_setting_of_video_models_is_read",
    ),
    "the softmax has no stated axis": ("models/video/test_heads:test_loss_by_hand",),
    "coordinates are rounded to 16 bits": (
        "models/video/test_position_encoding:test_a_model_in_bfloat16_rounds_no_coordinate",
        f"{MODEL}:test_inputs_hold_no_coordinate_that_a_trainer_may_round",
        f"{SCORE}:test_boxes_far_from_the_origin_are_not_rounded",
    ),
    "colour pictures are compressed again": (
        "sources/readers/scans/test_scannet:test_colour_bytes_of_sens_are_the_original_ones",
    ),
    "an info file can run code": (
        "sources/readers/scans/test_embodiedscan:test_a_pickle_that_runs_code_runs_nothing",
    ),
    "an empty reply is right by the refined match, and an early part hides an equal answer": (
        "evaluate/video/test_protocols:"
        "test_an_empty_answer_is_right_by_the_published_refined_match_and_wrong_by_ours",
        "evaluate/video/test_protocols:test_an_early_part_hides_a_later_equal_answer_in_leo",
    ),
    "protocols and data sets are mixed": (
        f"{SCORE}:test_answers_by_protocol_side_by_side",
        f"{SCORE}:test_data_sets_are_never_mixed",
        "evaluate/video/test_protocols:test_captions_of_scan2cap_with_and_without_punctuation",
    ),
    "the rarity of words depends on the part that is scored": (
        f"{SCORE}:test_cider_of_a_type_has_the_rarity_of_the_whole_split",
    ),
    "a threshold list is right by rounding alone": (
        "evaluate/video/test_vsi_metrics:"
        "test_numbers_have_ten_thresholds_and_what_is_not_readable_is_0",
    ),
    "the matching that is published can lose a pair": (
        "evaluate/video/test_grounding_metrics:"
        "test_the_published_matching_can_lose_a_pair_that_counts",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_the_named_tests_exist(defect: str) -> None:
    for name in DEFECTS[defect]:
        file, _, function = name.partition(":")
        tree = ast.parse((ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert function in functions, name


@pytest.mark.parametrize("strategy", ["ratio90", "ratio95", "mc95", "MC", "", "norm"])
def test_strategies_of_frames_have_one_name_each(strategy: str) -> None:
    with pytest.raises(UserError, match="strategy"):
        FrameSelectionSettings.parse({"strategy": strategy})


@pytest.mark.parametrize("value", [False, "False", "false", "no"])
def test_false_is_false_in_every_spelling(value: object) -> None:
    assert VideoModelSettings.parse({"depth_head": value}).depth_head is False
    with pytest.raises(UserError, match="depth_head"):
        VideoModelSettings.parse({"depth_head": "nein"})


def test_every_setting_of_video_models_is_read() -> None:
    read = {
        node.attr
        for folder in ("models/video", "train/video", "evaluate/video")
        for path in (ROOT / "workflow_scripts" / folder).glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
    }
    encoding = VideoModelSettings().position_encoding
    assert {*VideoModelSettings.model_fields, *type(encoding).model_fields} <= read
