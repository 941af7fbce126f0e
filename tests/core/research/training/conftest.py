"""A crude specimen: a bony ring around a nerve in soft tissue, unlike on its two sides."""

import numpy as np
import pytest

from spinect_core.research.training.cases import Case, CaseFiles, save_case


def crude(shape=(100, 110, 120), seed=0):
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    radius = np.hypot(y - shape[1] / 2, x - shape[2] / 2 + 0 * z)
    labels = np.zeros(shape, dtype=np.uint8)
    labels[(radius > 12) & (radius < 25) & (z > 10)] = 1
    labels[np.broadcast_to(radius < 6, labels.shape)] = 2
    labels[shape[0] // 2 :, 10:20, -20:-10] = 1  # only on one side
    rng = np.random.default_rng(seed)
    hu = np.choose(labels, [40, 500, 20]) + rng.normal(0, 5, labels.shape)
    return Case(hu.astype(np.int16), labels, "crude")


@pytest.fixture(scope="session")
def crude_case():
    return crude()


@pytest.fixture(scope="session")
def small_cases(tmp_path_factory):
    """Six cases of 32 x 64 x 64 voxels."""
    folder = tmp_path_factory.mktemp("cases")
    paths = [folder / f"case_{number}.npz" for number in range(6)]
    for number, path in enumerate(paths):
        save_case(crude((32, 64, 64), seed=number), path)
    return CaseFiles(paths)


@pytest.fixture
def little_network(monkeypatch):
    """A network of three layers in place of the real one: the loop is the same, and takes seconds."""

    def build(shape, *, half=False):
        import keras

        layers = keras.layers
        image = keras.Input((*shape, 1))
        policy = "mixed_bfloat16" if half else "float32"
        x = layers.Conv3D(4, 3, padding="same", name="a", dtype=policy)(image)
        x = layers.BatchNormalization(name="a_norm", momentum=0.5)(x)
        x = layers.Conv3D(3, 1, name="b")(layers.ReLU(name="relu")(x))
        return keras.Model(image, layers.Softmax(name="probabilities")(x))

    monkeypatch.setattr("spinect_core.research.training.loop.build_network", build)
