"""The organ network: a small three-dimensional U-Net in Keras 3 that names organs and muscles on voxels of 3 mm.

It is of the kind of :mod:`spinect_core.segmentation.network`, and made for two processor cores: the first layer joins
2 x 2 x 2 voxels and the last one parts them again, so that everything between works on voxels of 6 mm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

SPACING_MM = 3.0
PATCH_SHAPE = (48, 64, 64)
"""Voxels of 3 mm along (z, y, x) that the network reads at once."""

ORGAN_CLASSES = (
    "other",
    "bowel",
    "kidney",
    "great vessels",
    "psoas and iliacus",
    "quadratus lumborum",
    "back muscles",
    "gluteal muscles",
    "bone",
)
"""What the network tells apart, by number. Bone is there to help the others; bone of a plan is SPINECT's."""

FILTERS = (24, 48, 96, 128)
"""Channels of the four levels, from voxels of 6 mm down."""

_SOFT_HU = 150.0
"""Scale of the shown intensity: fat, muscle and organs lie in its steep part, gas and bone beyond."""


def shown(hu: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """HU as the network is shown them, -2 to 2; nothing depends on what else a picture holds."""
    return np.asarray(2.0 * np.tanh(np.asarray(hu, np.float32) / np.float32(_SOFT_HU)), dtype=np.float32)


def build_organ_network(
    patch_shape: tuple[int, int, int] = PATCH_SHAPE, *, norm_momentum: float = 0.95
) -> keras.Model:
    """Build the network with He-initialised weights.

    Args:
        patch_shape: voxels along (z, y, x), each a multiple of 16. The weights do not depend on it.
        norm_momentum: part of the old moving statistics kept at each training step.

    Returns:
        A model from (batch, z, y, x, 1) float32 of :func:`shown` to (batch, z, y, x, 9) probabilities.

    Raises:
        ValueError: the patch cannot be halved four times.
    """
    if any(n < 16 or n % 16 for n in patch_shape):
        raise ValueError(f"The patch {patch_shape} must be a multiple of 16 voxels along every axis")
    import keras
    from keras import layers

    def convolution(x: Any, filters: int, name: str, *, norm: bool) -> Any:
        x = layers.Conv3D(filters, 3, padding="same", kernel_initializer="he_normal", name=name)(x)
        if norm:
            x = layers.BatchNormalization(momentum=norm_momentum, epsilon=1e-3, name=f"{name}_norm")(x)
        return layers.ReLU(name=f"{name}_relu")(x)

    image = keras.Input((*patch_shape, 1), name="image")
    x = layers.Conv3D(FILTERS[0], 2, strides=2, kernel_initializer="he_normal", name="join")(image)
    x = layers.ReLU(name="join_relu")(x)
    skips = []
    for level, filters in enumerate(FILTERS):
        x = convolution(x, filters, f"down{level}_a", norm=False)
        x = convolution(x, filters, f"down{level}_b", norm=True)
        if level < len(FILTERS) - 1:
            skips.append(x)
            x = layers.MaxPooling3D(2, name=f"pool{level}")(x)
    for level in reversed(range(len(FILTERS) - 1)):
        filters = FILTERS[level]
        x = layers.Conv3DTranspose(
            filters, 2, strides=2, kernel_initializer="he_normal", name=f"rise{level}"
        )(x)
        x = layers.Concatenate(name=f"join{level}")([skips[level], x])
        x = convolution(x, filters, f"up{level}_a", norm=False)
        x = convolution(x, filters, f"up{level}_b", norm=True)
    x = layers.Conv3DTranspose(
        len(ORGAN_CLASSES), 2, strides=2, kernel_initializer="he_normal", name="classes"
    )(x)
    return keras.Model(image, layers.Softmax(name="probabilities")(x), name="spinect_organs")


def organ_weight_shapes() -> dict[str, tuple[int, ...]]:
    """The shape of every weight by ``layer/variable`` name, without building the network."""
    shapes: dict[str, tuple[int, ...]] = {
        "join/kernel": (2, 2, 2, 1, FILTERS[0]),
        "join/bias": (FILTERS[0],),
    }

    def add(name: str, kernel: tuple[int, ...], channels: int, *, norm: bool = False) -> None:
        shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = kernel, (channels,)
        if norm:
            statistics = ("gamma", "beta", "moving_mean", "moving_variance")
            shapes.update({f"{name}_norm/{statistic}": (channels,) for statistic in statistics})

    before = FILTERS[0]
    for level, channels in enumerate(FILTERS):
        add(f"down{level}_a", (3, 3, 3, before, channels), channels)
        add(f"down{level}_b", (3, 3, 3, channels, channels), channels, norm=True)
        before = channels
    for level, channels in reversed(list(enumerate(FILTERS[:-1]))):
        add(f"rise{level}", (2, 2, 2, channels, FILTERS[level + 1]), channels)
        add(f"up{level}_a", (3, 3, 3, 2 * channels, channels), channels)
        add(f"up{level}_b", (3, 3, 3, channels, channels), channels, norm=True)
    add("classes", (2, 2, 2, len(ORGAN_CLASSES), FILTERS[0]), len(ORGAN_CLASSES))
    return shapes
