"""Products of the processor are faster while it trains, and as before afterwards."""

import pytest
import torch

from workflow_scripts.train.precision import fast_cpu_products


@pytest.mark.parametrize("on_gpu", [False, True])
def test_products_change_while_it_trains_on_the_processor_alone(
    on_gpu: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: on_gpu)
    before = torch.get_float32_matmul_precision()
    with fast_cpu_products():
        assert torch.get_float32_matmul_precision() == (before if on_gpu else "medium")
    assert torch.get_float32_matmul_precision() == before != "medium"
