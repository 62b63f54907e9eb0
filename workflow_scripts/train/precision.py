"""Products of bfloat16 numbers where the device that trains is faster at them."""

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
    """Let the processor round the factors of float32 matrices to bfloat16 where that is faster.

    Where it is not, PyTorch then multiplies float32 by oneDNN, on processors that Intel did not
    make twice as fast as by its other library. Products on GPUs stay as they are.
    """
    precision = torch.get_float32_matmul_precision()
    if not torch.cuda.is_available():
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
