import numpy as np
import numpy.typing as npt

def align(
    scores: npt.NDArray[np.float32],
    text_lengths: npt.NDArray[np.integer],
    frame_lengths: npt.NDArray[np.integer],
    *,
    threads: int | None = None,
    kernel: str | None = None,
) -> npt.NDArray[np.int32]: ...
def kernels() -> tuple[str, ...]: ...
