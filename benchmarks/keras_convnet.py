"""Keras' example mnist_convnet, stopped at a goal: the peer of `time_to_99.py`.

Network, batch size, optimiser and validation split are those of
keras.io/examples/vision/mnist_convnet (Chollet 2015). It is evaluated on the test digits after each
epoch and stops there, which favours it: the test digits choose its epoch.

    python benchmarks/keras_convnet.py SEED [GOAL]       # GOAL: accuracy on test digits, 0.99
"""

from __future__ import annotations

import json
import os
import sys
import time

START = time.perf_counter()
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

EPOCHS = 15  # as published


def main() -> None:
    """Train until the goal and print seconds and accuracy as JSON."""
    import keras
    from keras import layers

    from inkfast import data

    keras.utils.set_random_seed(int(sys.argv[1]))
    goal = float(sys.argv[2]) if len(sys.argv) > 2 else 0.99
    source = data.load("mnist")
    model = keras.Sequential([
        keras.Input(shape=(28, 28, 1)),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    (x, y), (x_test, y_test) = (
        (part.images.astype("float32")[..., None] / 255, keras.utils.to_categorical(part.labels))
        for part in (source.train, source.test or source.train)
    )
    begun, accuracy, best, epochs = time.perf_counter(), 0.0, 0.0, 0
    testing = 0.0
    while accuracy < goal and epochs < EPOCHS:
        model.fit(x, y, batch_size=128, epochs=1, validation_split=0.1, verbose=0)
        epochs += 1
        before = time.perf_counter()
        accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
        best = max(best, accuracy)
        testing += time.perf_counter() - before
    now = time.perf_counter()
    found = {
        "accuracy": accuracy, "best": best, "epochs": epochs, "keras": keras.__version__,
        "training_seconds": now - begun - testing, "process_seconds": now - START - testing,
    }  # fmt: skip
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
