"""Which products of matrices are fast on the device that trains."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


def has_fast_bfloat16() -> bool:
    """Say whether the device that trains multiplies bfloat16 faster than float32."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


@contextmanager
def fast_cpu_products() -> Iterator[None]:
    """Let PyTorch multiply float32 matrices by oneDNN on the processor.

    It may round their factors to bfloat16 where the processor is faster at that. Without rounding,
    too, it is about twice as fast as the default library on processors that Intel did not make.
    Products on GPUs stay as they are.
    """
    precision = torch.get_float32_matmul_precision()
    if not torch.cuda.is_available():
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
