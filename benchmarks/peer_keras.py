"""The deck's recipe as a Keras tutorial writes it, on its own: no part of this project is imported.

Usage: peer_keras.py FOLDER EPOCHS as-written|tuned. `tuned` keeps the decoded pictures in memory, as the guide to
performance has it. ImageNet weights cannot be had here; the arithmetic is the same without them, but little is learnt.
"""

import json
import sys
import time

import keras
import tensorflow as tf

folder, epochs, manner = sys.argv[1], int(sys.argv[2]), sys.argv[3]
started = time.perf_counter()

train = keras.utils.image_dataset_from_directory(
    f"{folder}/train", label_mode="binary", image_size=(128, 128), batch_size=32, seed=42, verbose=False
)
val = keras.utils.image_dataset_from_directory(
    f"{folder}/val", label_mode="binary", image_size=(128, 128), batch_size=32, shuffle=False, verbose=False
)
if manner == "tuned":
    train, val = train.cache(), val.cache()
train, val = train.prefetch(tf.data.AUTOTUNE), val.prefetch(tf.data.AUTOTUNE)

base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(128, 128, 3))
for layer in base.layers[:-10]:
    layer.trainable = False

model = keras.Sequential(
    [
        keras.Input((128, 128, 3)),
        keras.layers.Rescaling(1.0 / 255),
        base,
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(256, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile(keras.optimizers.Adam(1e-5), loss="binary_crossentropy", metrics=["accuracy"])
ends = []
mark = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter() - started))
model.fit(train, validation_data=val, epochs=epochs, verbose=0, callbacks=[mark])
model.save("peer.keras")
print(json.dumps({"seconds": time.perf_counter() - started, "epoch_ends": ends}))
