"""How a vision-language model becomes a video model of scans."""

from typing import Literal

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings, SettingsError


class PositionEncodingSettings(Settings):
    """How a world coordinate becomes a vector that is added to features and embeddings."""

    kind: Literal["sinusoidal", "published", "mlp", "none"] = Field(
        "sinusoidal",
        description="sinusoidal: sines and cosines of x, y and z with the wavelengths below; "
        "published: Video-3D LLM's, of coordinates in steps of 0.1 m; mlp: learned; none: no "
        "coordinates",
    )
    min_wavelength_m: float = Field(2.0, gt=0, description="shortest wavelength of sinusoidal")
    max_wavelength_m: float = Field(30.0, gt=0, description="longest wavelength of sinusoidal")
    scale: float = Field(1.0, ge=0, description="factor of the encoding, at the start if learned")
    learned_scale: bool = Field(True, description="learn the factor")

    @model_validator(mode="after")
    def _wavelengths_are_ordered(self) -> "PositionEncodingSettings":
        if self.min_wavelength_m >= self.max_wavelength_m:
            raise SettingsError(
                (
                    ("min_wavelength_m",),
                    f"{self.min_wavelength_m:g} must be less than max_wavelength_m "
                    f"{self.max_wavelength_m:g}",
                )
            )
        return self


class VideoModelSettings(Settings):
    """What a video model adds to its base."""

    tokens: Literal["frames", "objects"] = Field(
        "objects",
        description="frames: the language model reads every frame's visual tokens; objects: it "
        "reads one token for each proposal, the mean of the patches that show it",
    )
    pooling: Literal[1, 2] = Field(
        2, description="2: frame tokens are pooled 2 x 2 before the language model reads them"
    )
    frame_attention_bias: float = Field(
        0.0,
        le=0,
        description="added to the attention of text to frame tokens; a small model otherwise "
        "attends to many frame tokens rather than to the text",
    )
    crop: Literal["full", "square"] = Field(
        "full", description="full: the whole field of view; square: the middle of the picture"
    )
    position_encoding: PositionEncodingSettings = Field(
        PositionEncodingSettings(), description="encoding of world coordinates"
    )
    patch_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="a patch belongs to a proposal if this share of its pixels lies in its box",
    )
    grounding_head: Literal["residual", "published"] = Field(
        "residual",
        description="layers in front of the comparison of query and proposals; residual: added to "
        "what they read, so that they begin as the identity; published: Video-3D LLM's",
    )
    relation_head: bool = Field(
        False,
        description="score proposals also by their distance from what else a text speaks of, "
        "which a second query chooses among them",
    )
    anchor_weight: float = Field(
        0.5,
        ge=0,
        description="weight of the loss that teaches the relation head which proposals those are, "
        "where samples say so (referents)",
    )
    point_features: bool = Field(
        False,
        description="<coord> also has the features of the proposal whose center is the point",
    )
    grounded_answers: bool = Field(
        False,
        description="questions are answered in two steps: the grounding head chooses the "
        "proposals that a question is about, then the language model reads what they look like "
        "and where they are behind the question. Taught with grounding_weight where samples name "
        "them (referents); texts are read twice",
    )
    depth_head: bool = Field(
        False, description="learn the depth of visual tokens as well; not used for answers"
    )
    depth_weight: float = Field(0.1, ge=0, description="weight of the depth loss")
    grounding_weight: float = Field(1.0, ge=0, description="weight of the grounding loss")
