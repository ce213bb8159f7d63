"""Name the types of the project's arrays: shape, dtype and range of each are stated here once."""

import numpy as np
import numpy.typing as npt

Pictures = npt.NDArray[np.uint8]
"""uint8 (N, S, S, 3), RGB, 0-255."""
Inputs = npt.NDArray[np.float32]
"""float32 (N, image_size, image_size, 3), RGB, [0, 1]."""
Labels = npt.NDArray[np.uint8]
"""uint8 (N,), FAKE = 0, REAL = 1."""
Features = npt.NDArray[np.float16]
"""float16 (N, ...): outputs of a network's frozen feature extractor for N pictures."""
Probabilities = npt.NDArray[np.floating]
"""float (N,), P(REAL) in [0, 1]."""
