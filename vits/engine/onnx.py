"""The onnxruntime engine: where the native one did not build, this speaks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from vits.arrays import F32, I64
from vits.config import VoiceConfig
from vits.engine.base import Engine, Precision
from vits.engine.staged import StagedEngine, TextStage
from vits.errors import BackendUnavailable

try:
    import onnxruntime

    from vits.engine.graph import decoder_graph, flow_graph
    from vits.engine.graph_durations import text_graph
except ImportError as missing:  # pragma: no cover - both are in the ordinary install
    raise BackendUnavailable("it needs packages: pip install onnx onnxruntime") from missing


class OnnxStages:
    """The three stages, each an onnxruntime session."""

    def __init__(self, config: VoiceConfig, tensors: Mapping[str, F32], threads: int) -> None:
        self._speakers = config.architecture.n_speakers
        self._sdp = config.architecture.use_sdp
        self._text, self._flow, self._decoder = (
            _session(make(config.architecture, tensors), threads)
            for make in (text_graph, flow_graph, decoder_graph)
        )

    def text(self, ids: I64, speaker: int, noise: F32) -> TextStage:
        """See :class:`~vits.engine.staged.Stages`."""
        given = {"ids": ids[None], **({"noise": noise[None]} if self._sdp else {})}
        mean, log_std, logs = self._text.run(None, {**given, **self._speaker(speaker)})
        return TextStage(mean[0], log_std[0], logs[0, 0])

    def flow(self, z_p: F32, speaker: int) -> F32:
        """See :class:`~vits.engine.staged.Stages`."""
        z: F32 = self._flow.run(None, {"z_p": z_p[None], **self._speaker(speaker)})[0][0]
        return z

    def decode(self, z: F32, speaker: int) -> F32:
        """See :class:`~vits.engine.staged.Stages`."""
        sound: F32 = self._decoder.run(None, {"z": z[None], **self._speaker(speaker)})[0][0, 0]
        return sound

    def _speaker(self, row: int) -> dict[str, I64]:
        return {"speaker": np.asarray([row], np.int64)} if self._speakers else {}


def _session(model: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Three sessions take turns: threads of one that spin after their work slow the next one down.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    # Sentences differ in length, so patterns of memory do not repeat and caching them only grows.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def open_voice(
    config: VoiceConfig, tensors: Mapping[str, F32], *, precision: Precision, threads: int
) -> Engine:
    """See :class:`~vits.engine.base.EngineModule`.

    Raises:
        BackendUnavailable: bf16 is asked for, which onnxruntime does not have on a CPU.
    """
    if precision == "bf16":
        raise BackendUnavailable("the onnxruntime engine speaks in fp32 only")
    return StagedEngine(config, OnnxStages(config, tensors, threads))
