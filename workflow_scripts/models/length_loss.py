"""Loss of answer tokens where a length begins with a token for 10 cm of it, as in the tiny base.

Cross-entropy makes the likeliest token that of the likeliest 10 cm. Where a length is uncertain in
proportion to itself, that is far below its median, and a model that knows little always answers it.
"""

from typing import Any

import torch
from torch.nn import functional

# Of the natural logarithm of a length: half of what is right within a factor of two.
TOLERANCE = 0.35


def token_losses(logits: torch.Tensor, targets: torch.Tensor, config: Any) -> torch.Tensor:
    """Return the losses of answer tokens [n] that follow one another, from logits [n, tokens].

    It is cross-entropy, but for a token that begins a length if the model's configuration lists
    such: then every one of them is right as far as its length is near the true one. How near is a
    Gaussian of the logarithms' difference; the likeliest token is the one that is expected to be
    nearest.
    """
    logits = logits.float()
    losses = functional.cross_entropy(logits, targets, reduction="none")
    if not getattr(config, "length_token_ids", None):
        return losses
    ids = torch.tensor(config.length_token_ids, device=targets.device)
    log_m = torch.tensor(config.length_token_metres, device=targets.device).log()
    digits = torch.tensor(config.digit_token_ids, device=targets.device)
    following = functional.pad(targets[1:], (0, 1), value=-1)
    chosen = torch.isin(targets, ids) & torch.isin(following, digits)
    true_log_m = log_m[(targets[chosen, None] == ids).int().argmax(-1)]
    nearness = _nearness(log_m, true_log_m[:, None])
    # Of a meter all near tokens together count as one.
    nearness = nearness / _nearness(log_m, log_m.new_zeros(1)).sum()
    log_likelihood = logits[chosen].log_softmax(-1)[:, ids]
    return losses.masked_scatter(chosen, -(nearness * log_likelihood).sum(-1))


def _nearness(log_m: torch.Tensor, true_log_m: torch.Tensor) -> torch.Tensor:
    return torch.exp(-0.5 * ((log_m - true_log_m) / TOLERANCE) ** 2)
