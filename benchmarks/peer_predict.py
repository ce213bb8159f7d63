"""The talk's inference script as one writes it with Keras: no part of this project is imported.

Usage: peer_predict.py MODEL.keras PICTURE
"""

import sys

import keras
import numpy as np
from PIL import Image

model = keras.models.load_model(sys.argv[1], compile=False)
size = model.input_shape[1]
picture = np.asarray(Image.open(sys.argv[2]).convert("RGB").resize((size, size)), dtype=np.float32) / 255
probability = float(model.predict(picture[None], verbose=0)[0, 0])
print("REAL" if probability >= 0.5 else "FAKE", max(probability, 1 - probability))
