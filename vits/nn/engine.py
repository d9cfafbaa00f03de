"""The PyTorch engine: slower than the others, but any voice, and a GPU where there is one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from vits.arrays import F32, I64
from vits.config import VoiceConfig
from vits.engine.base import Engine, Precision
from vits.engine.staged import StagedEngine, TextStage
from vits.errors import BackendUnavailable
from vits.nn.model import Vits, build


class TorchStages:
    """The three stages by :class:`~vits.nn.model.Vits`, batch of one."""

    def __init__(self, model: Vits, device: torch.device) -> None:
        self._model = model.to(device)
        self._device = device

    @torch.inference_mode()
    def text(self, ids: I64, speaker: int, noise: F32) -> TextStage:
        """See :class:`~vits.engine.staged.Stages`."""
        batch = self._tensor(ids)[None]
        mask = torch.ones(1, 1, batch.shape[1], device=self._device)
        encoded = self._model.enc_p(batch, mask)
        logs = self._model.log_durations(
            encoded.hidden, mask, self._tensor(noise)[None], self._speaker(speaker)
        )
        return TextStage(_array(encoded.mean[0]), _array(encoded.log_std[0]), _array(logs[0]))

    @torch.inference_mode()
    def flow(self, z_p: F32, speaker: int) -> F32:
        """See :class:`~vits.engine.staged.Stages`."""
        mask = torch.ones(1, 1, z_p.shape[1], device=self._device)
        z = self._model.flow.inverse(self._tensor(z_p)[None], mask, self._speaker(speaker))
        return _array(z[0])

    @torch.inference_mode()
    def decode(self, z: F32, speaker: int) -> F32:
        """See :class:`~vits.engine.staged.Stages`."""
        return _array(self._model.dec(self._tensor(z)[None], self._speaker(speaker))[0, 0])

    def _tensor(self, array: F32 | I64) -> Tensor:
        return torch.from_numpy(array.copy()).to(self._device)

    def _speaker(self, row: int) -> Tensor | None:
        return self._model.speaker(torch.tensor([row], device=self._device))


def _array(tensor: Tensor) -> F32:
    found: F32 = tensor.float().cpu().numpy()
    return found


def chosen_device(device: str) -> torch.device:
    """Of ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``. (Not tested on a GPU.)

    Raises:
        BackendUnavailable: there is no GPU that PyTorch can use.
    """
    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise BackendUnavailable("PyTorch finds no GPU here")
    return torch.device("cuda" if found and device != "cpu" else "cpu")


def open_voice(
    config: VoiceConfig,
    tensors: Mapping[str, F32],
    *,
    precision: Precision,
    threads: int,
    device: str = "auto",
) -> Engine:
    """See :class:`~vits.engine.base.EngineModule`. ``threads`` is set for the whole process.

    ``device``: ``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        BackendUnavailable: bf16 is asked for, which changes durations in PyTorch; or there is no
            GPU that PyTorch can use.
    """
    chosen = chosen_device(device)
    if precision == "bf16":
        raise BackendUnavailable("the torch engine speaks in fp32 only")
    torch.set_num_threads(max(1, threads))
    model = build(config, tensors)
    model.requires_grad_(False)
    return StagedEngine(config, TorchStages(model, chosen))
