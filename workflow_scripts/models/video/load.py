"""Load a trained video model, ready to answer."""

from pathlib import Path

from safetensors.torch import load_file

from workflow_scripts.common.checksums import check_model
from workflow_scripts.common.errors import UserError
from workflow_scripts.config.video import VideoModelSettings
from workflow_scripts.models import vlm
from workflow_scripts.models.shared_prefix import choose_attention, sharing_obstacle
from workflow_scripts.models.video.video_batch import VideoProcessor
from workflow_scripts.models.video.video_model import VideoModel

# What a video model adds to its base, beside the base's weights or its adapters.
HEADS_FILE = "video_model.safetensors"


def load_video_model(
    base: str, folder: Path, settings: VideoModelSettings
) -> tuple[VideoModel, VideoProcessor]:
    """Load what a training wrote into a folder.

    Args:
        base: Local folder or hub id of the base, for adapters and the processor.
        folder: Result of the training.
        settings: Those of the training.

    Raises:
        UserError: Weights are missing, damaged, or of other settings.
    """
    check_model(folder)
    file = folder / HEADS_FILE
    if not file.is_file():
        raise UserError(f"{file}: not found; {folder} holds no video model. Train it again.")
    is_whole = not (folder / "adapter_config.json").exists()
    base_model, processor = vlm.load_model_and_processor(base, folder)
    if is_whole:
        processor = vlm.load_processor(str(folder))
    obstacle = sharing_obstacle(base_model)
    if obstacle is None:
        choose_attention(base_model, "sdpa")
    video_processor = VideoProcessor(
        processor, base_model.config, settings, share_prefix=obstacle is None
    )
    model = VideoModel(base_model, video_processor.special_tokens, settings)
    state = load_file(str(file))
    own = model.own_parameters()
    wrong = sorted(
        name
        for name in {*own, *state}
        if name not in own or name not in state or own[name].shape != state[name].shape
    )
    if wrong:
        raise UserError(
            f"{file}: weights {', '.join(wrong[:3])} do not fit the settings of the experiment; "
            "train it again"
        )
    model.load_state_dict(state, strict=False)
    return model.to(vlm.device()).eval(), video_processor
