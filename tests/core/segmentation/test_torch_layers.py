"""The layers for torch compute what Keras' own do; run where torch is installed, which the program does not need."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

COMPARED = """
import keras, numpy as np
from spinect_core.segmentation import network
from spinect_core.research.training.losses import training_loss

# The kernels are drawn: each run would compare another network, and in some a rounding error turns a unit on or off.
keras.utils.set_random_seed(0)
rng = np.random.default_rng(0)
images = rng.standard_normal((2, 16, 32, 16, 1)).astype("float32")
labels = (rng.random((2, 16, 32, 16, 1)) * 3).astype("uint8")
network.FILTERS = (4, 6, 8, 10, 12)

def trained(kinds, weights):
    network._kinds = kinds
    model = network.build_network((16, 32, 16))
    if weights is not None:
        model.set_weights(weights)
    first = model.get_weights()
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss=training_loss((1, 2, 6), 0.5), jit_compile=False)
    losses = [float(np.asarray(model.train_on_batch(images, labels)).ravel()[0]) for _ in range(3)]
    names = [f"{layer.name}/{variable.name}" for layer in model.layers for variable in layer.weights]
    return first, losses, names, model.get_weights(), model.predict_on_batch(images)

ours = network._kinds
assert ours() is not keras.layers
first, losses, names, weights, found = trained(ours, None)
_, keras_losses, keras_names, keras_weights, keras_found = trained(lambda: keras.layers, first)
assert names == keras_names
np.testing.assert_allclose(losses, keras_losses, rtol=2e-5)
assert losses[2] < losses[0]
for name, one, other, before in zip(names, weights, keras_weights, first, strict=True):
    assert one.shape == other.shape, name
    np.testing.assert_allclose(one, other, rtol=2e-3, atol=2e-5, err_msg=name)
assert any(np.abs(one - before).max() > 1e-3 for one, before in zip(weights, first, strict=True))
np.testing.assert_allclose(found, keras_found, atol=2e-4)
"""


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")
def test_training_and_prediction_agree_with_those_of_keras_layers() -> None:
    environment = os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": "-1"}
    done = subprocess.run([sys.executable, "-c", COMPARED], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
