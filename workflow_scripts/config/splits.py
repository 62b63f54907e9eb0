"""Settings of the splits."""

from pydantic import Field, model_validator

from workflow_scripts.config.base import Settings


class SplitsSettings(Settings):
    """Shares of the splits."""

    train: float = Field(0.7, ge=0, le=1, description="share for training")
    val: float = Field(0.1, ge=0, le=1, description="share for validation")
    test: float = Field(0.2, ge=0, le=1, description="share for evaluation")

    @model_validator(mode="after")
    def _sum(self) -> "SplitsSettings":
        total = self.train + self.val + self.test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"{self.model_dump()} must be fractions that sum to 1, not {total:g}")
        return self
