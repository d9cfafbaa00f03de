"""The packaged voice as its maker exported it, run by onnxruntime with the noise handed in.

The graph draws its noise itself (RandomNormalLike, twice). Here those two nodes become inputs, so
that the same noise can be given to it and to us, and the durations become an output.
"""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort

from vits.arrays import F32, I64
from vits.engine.base import Noise, Style
from vits.io.manifest import find_weights


class OriginalVoice:
    """onnxruntime on the untouched weights of the packaged voice."""

    def __init__(self, name: str) -> None:
        model = onnx.load(str(find_weights(name).locate("model")))
        graph = model.graph
        draws = [node for node in graph.node if node.op_type == "RandomNormalLike"]
        by_place = {("duration" if "/dp/" in n.name else "prior"): n for n in draws}
        assert len(draws) == len(by_place) == 2
        for place, node in by_place.items():
            graph.input.append(
                onnx.helper.make_tensor_value_info(place, onnx.TensorProto.FLOAT, None)
            )
            index = list(graph.node).index(node)
            replacement = onnx.helper.make_node("Identity", [place], list(node.output))
            graph.node.remove(node)
            graph.node.insert(index, replacement)
        ceil = next(node for node in graph.node if node.op_type == "Ceil")
        graph.output.append(
            onnx.helper.make_tensor_value_info(ceil.output[0], onnx.TensorProto.FLOAT, None)
        )
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def speak(self, ids: list[int], style: Style, noise: Noise) -> tuple[F32, I64]:
        """(sound (n,), durations (T_text,)). The prior's noise must have exactly T columns."""
        sound, frames = self._session.run(
            None,
            {
                "input": np.asarray([ids], np.int64),
                "input_lengths": np.asarray([len(ids)], np.int64),
                "scales": np.asarray(
                    [style.noise_scale, style.length_scale, style.noise_w], np.float32
                ),
                "duration": noise.duration[None],
                "prior": noise.prior[None],
            },
        )
        return sound.reshape(-1), frames.reshape(-1).astype(np.int64)
