"""The vision tower of the tiny base: a small residual convolutional network.

With few houses to learn from it names twice as many patches right as a vision transformer of the
same cost. Importing this module registers it with `transformers`, so that `from_pretrained` of a
model with such a tower finds it.

Batch normalisation speeds up pre-training; a finished tower has it folded into its convolutions
(`fold_batch_norm`), so that what it sees never depends on the other images of a batch.
"""

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

# What the strides of its convolutions make: 4 x 2 x 2.
PATCH_PX = 16


class ConvVisionConfig(PreTrainedConfig):
    """Size of the tower.

    Args:
        image_size: Side of its images in pixels, a multiple of `patch_size`.
        patch_size: Side of a patch in pixels, always 16.
        hidden_size: Channels of the output, a multiple of 4.
        num_blocks: Residual blocks at the resolution of patches.
        num_channels: Channels of the images.
        use_batch_norm: Whether convolutions are followed by batch normalisation.
    """

    model_type = "conv_vision"

    def __init__(
        self,
        image_size: int = 128,
        patch_size: int = 16,
        hidden_size: int = 128,
        num_blocks: int = 3,
        num_channels: int = 3,
        use_batch_norm: bool = False,
        **more: Any,
    ) -> None:
        if patch_size != PATCH_PX or image_size % PATCH_PX:
            raise ValueError(
                f"patch_size {patch_size} must be {PATCH_PX}, and image_size {image_size} a "
                "multiple of it"
            )
        self.image_size = image_size
        self.patch_size = patch_size
        self.hidden_size = hidden_size
        self.num_blocks = num_blocks
        self.num_channels = num_channels
        self.use_batch_norm = use_batch_norm
        super().__init__(**more)


class ConvLayer(nn.Module):
    """A convolution of 3 x 3 pixels, batch normalisation if it is used, and ReLU if wanted."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        use_batch_norm: bool,
        stride: int = 1,
        has_relu: bool = True,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1)
        self.norm = nn.BatchNorm2d(channels_out) if use_batch_norm else nn.Identity()
        self.has_relu = has_relu

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = self.norm(self.conv(images))
        return functional.relu(images) if self.has_relu else images

    def fold_batch_norm(self) -> None:
        """Put the batch normalisation's running statistics into the convolution."""
        norm = self.norm
        if not isinstance(norm, nn.BatchNorm2d):
            return
        assert norm.running_mean is not None
        assert norm.running_var is not None
        with torch.no_grad():
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()
            bias = torch.zeros_like(norm.bias) if self.conv.bias is None else self.conv.bias
            self.conv.weight.mul_(scale[:, None, None, None])
            bias.copy_((bias - norm.running_mean) * scale + norm.bias)
        self.norm = nn.Identity()


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input."""

    def __init__(self, channels: int, *, use_batch_norm: bool) -> None:
        super().__init__()
        self.first = ConvLayer(channels, channels, use_batch_norm=use_batch_norm)
        self.second = ConvLayer(channels, channels, use_batch_norm=use_batch_norm, has_relu=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return functional.relu(images + self.second(self.first(images)))


class ConvVisionModel(PreTrainedModel):
    """Images [n, channels, side, side] to one token for each patch [n, patches, hidden size]."""

    config_class = ConvVisionConfig
    base_model_prefix = "conv_vision"
    main_input_name = "pixel_values"
    input_modalities = ["image"]  # noqa: RUF012

    def __init__(self, config: ConvVisionConfig) -> None:
        super().__init__(config)
        width, norm = config.hidden_size, config.use_batch_norm
        self.stem = nn.Conv2d(config.num_channels, width // 4, kernel_size=4, stride=4)
        self.stages = nn.Sequential(
            ResidualBlock(width // 4, use_batch_norm=norm),
            ConvLayer(width // 4, width // 2, stride=2, use_batch_norm=norm),
            ResidualBlock(width // 2, use_batch_norm=norm),
            ConvLayer(width // 2, width, stride=2, use_batch_norm=norm),
            *(
                ResidualBlock(width, use_batch_norm=norm)
                for _ in range(max(1, config.num_blocks - 1))
            ),
        )
        # What the whole image shows (a bathroom) helps to name its parts.
        self.context = nn.Sequential(
            nn.Conv2d(width, width, kernel_size=1),
            nn.ReLU(),
            nn.Conv2d(width, width, kernel_size=1),
        )
        self.last = ResidualBlock(width, use_batch_norm=norm)
        num_patches = (config.image_size // config.patch_size) ** 2
        self.position_embedding = nn.Parameter(torch.zeros(num_patches, width))
        self.post_init()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        """Keep the initial weights that PyTorch's own layers have."""

    def forward(self, pixel_values: torch.Tensor, **_: Any) -> BaseModelOutput:
        """Return the tokens; `hidden_states` holds them, too, for `vision_feature_layer: -1`."""
        pixel_values = pixel_values.to(self.stem.weight.dtype)
        if self.training:
            # Faster on a CPU; the last bits of results depend on it.
            pixel_values = pixel_values.contiguous(memory_format=torch.channels_last)
        images = self.stages(self.stem(pixel_values))
        context = self.context(images.mean(dim=(2, 3), keepdim=True))
        images = self.last(functional.relu(images + context))
        tokens = images.flatten(2).transpose(1, 2) + self.position_embedding
        return BaseModelOutput(last_hidden_state=tokens, hidden_states=(tokens,))

    def fold_batch_norm(self) -> None:
        """Make the tower one without batch normalisation that gives the same tokens."""
        for module in self.modules():
            if isinstance(module, ConvLayer):
                module.fold_batch_norm()
        self.config.use_batch_norm = False


AutoConfig.register(ConvVisionConfig.model_type, ConvVisionConfig)
AutoModel.register(ConvVisionConfig, ConvVisionModel)
