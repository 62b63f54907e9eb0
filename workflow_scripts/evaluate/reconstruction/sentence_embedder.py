"""Embeddings of phrases by a model in a local folder, such as intfloat/e5-base-v2."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workflow_scripts.common.errors import UserError
from workflow_scripts.geometry.cameras import FloatArray

BATCH = 64
MAX_TOKENS = 128


class SentenceEmbedder:
    """The mean of the last hidden states over a text's tokens, of length 1; no prefix."""

    def __init__(self, folder: Path) -> None:
        """Load a model; `UserError` if the folder holds none."""
        from transformers import AutoModel, AutoTokenizer

        if not (folder / "config.json").is_file():
            raise UserError(
                f"embedder: {folder} holds no config.json; give the folder of a transformers "
                "model that was downloaded, or null"
            )
        try:
            self._tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"embedder: {folder} cannot be loaded: {error!s:.300}") from error

    def embed(self, texts: Sequence[str]) -> FloatArray:
        """Return a vector of length 1 for each text [n, d]."""
        import torch

        parts = []
        for start in range(0, len(texts), BATCH):
            tokens = self._tokenizer(
                list(texts[start : start + BATCH]),
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                hidden = self._model(**tokens).last_hidden_state
            mask = tokens["attention_mask"][..., None]
            mean = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
            parts.append(torch.nn.functional.normalize(mean, dim=1).double().numpy())
        result: FloatArray = np.concatenate(parts) if parts else np.zeros((0, 1))
        return result
