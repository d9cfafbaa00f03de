import numpy as np
import numpy.typing as npt

def has_avx512() -> bool: ...
def search(
    scores: npt.NDArray[np.float32],
    text_lengths: npt.NDArray[np.int32],
    frame_lengths: npt.NDArray[np.int32],
    threads: int,
    vector: bool,
) -> npt.NDArray[np.int32]: ...
