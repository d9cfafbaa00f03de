"""In which numbers a step computes: bfloat16 where the machine multiplies it, else float32."""

from __future__ import annotations

import torch

CPU_WITH_BF16 = ("avx512_bf16", "amx_bf16", "avx10_2", "bf16")
"""As ``torch.cpu.get_capabilities`` names them; the last is Arm's."""


def multiplies_bf16(device: torch.device) -> bool:
    """Whether ``device`` has instructions for it.

    Without them PyTorch computes it in software: a step of training takes thirty times as long.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    found = torch.cpu.get_capabilities()
    return any(found.get(name) for name in CPU_WITH_BF16)


def autocast(device: torch.device, *, bf16: bool) -> torch.autocast:
    """A context for the forward half of a step; ``bf16``: the recipe would like it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16 and multiplies_bf16(device))
