"""The SPINECT network: a three-dimensional U-Net in Keras 3 alone, for any of its backends.

Source: Fan et al., AJNR 2019;40:1074 (https://www.ajnr.org/content/40/6/1074): patches of 32 x 64 x 64 voxels
    of 1 mm,
22,581,411 parameters, He initialisation. Where the batch normalisations sit is inferred: one for each of the
nine blocks and one more of 32 channels is what makes the published count exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

PATCH_SHAPE = (32, 64, 64)
"""Voxels of 1 mm along (z, y, x) that the network reads at once."""

CLASSES = 3
"""Background, bone, nerve, in the order of :data:`spinect_core.image.volume.CLASS_NAMES`."""

FILTERS = (32, 64, 128, 256, 512)
"""Channels of the five levels, from full resolution down."""

PARAMETERS = 22_581_411
"""Published number of parameters, moving statistics included."""


def build_network(
    patch_shape: tuple[int, int, int] = PATCH_SHAPE, *, norm_momentum: float = 0.9, half: bool = False
) -> keras.Model:
    """Build the network with He-initialised weights.

    Every level has two 3x3x3 convolutions with bias, the second one batch-normalised; the very first
    convolution is normalised as well, which makes the published parameter count exact. Levels are joined by
    2x2x2 max pooling on the way down and by 2x2x2 transposed convolutions of stride 2 that halve the channels
    on the way up, where the level's own features are concatenated.

    Args:
        patch_shape: voxels along (z, y, x), each a multiple of 16. The weights do not depend on it.
        norm_momentum: part of the old moving statistics kept at each training step. 0.9 suits runs of some
            thousand steps; inference is not affected.
        half: compute in bfloat16 where that is safe, with weights in float32 as ever. The lowest level, which in
            bfloat16 soon yields no numbers (torch on a CPU), stays in float32, and so do the class scores.

    Returns:
        A model from (batch, z, y, x, 1) float32 standardised intensity to (batch, z, y, x, 3) probabilities.

    Raises:
        ValueError: the patch cannot be halved four times.
    """
    if any(n < 16 or n % 16 for n in patch_shape):
        raise ValueError(f"The patch {patch_shape} must be a multiple of 16 voxels along every axis")
    import keras
    from keras import layers

    kinds = _kinds()
    policy = "mixed_bfloat16" if half else "float32"

    def convolution(x: Any, filters: int, name: str, *, norm: bool) -> Any:
        dtype = "float32" if filters == FILTERS[-1] else policy
        x = kinds.Conv3D(filters, 3, padding="same", kernel_initializer="he_normal", name=name, dtype=dtype)(
            x
        )
        if norm:
            x = kinds.BatchNormalization(
                momentum=norm_momentum, epsilon=1e-3, name=f"{name}_norm", dtype=dtype
            )(x)
        return layers.ReLU(name=f"{name}_relu", dtype=dtype)(x)

    image = keras.Input((*patch_shape, 1), name="image")
    x = image
    skips = []
    for level, filters in enumerate(FILTERS):
        x = convolution(x, filters, f"down{level}_a", norm=level == 0)
        x = convolution(x, filters, f"down{level}_b", norm=True)
        if level < len(FILTERS) - 1:
            skips.append(x)
            x = kinds.MaxPooling3D(2, name=f"pool{level}", dtype=policy)(x)
    for level in reversed(range(len(FILTERS) - 1)):
        filters = FILTERS[level]
        x = kinds.Conv3DTranspose(
            filters, 2, strides=2, kernel_initializer="he_normal", name=f"rise{level}", dtype=policy
        )(x)
        x = layers.Concatenate(name=f"join{level}", dtype=policy)([skips[level], x])
        x = convolution(x, filters, f"up{level}_a", norm=False)
        x = convolution(x, filters, f"up{level}_b", norm=True)
    # In float32 even where the rest runs in half precision: tiled inference sums these probabilities.
    x = kinds.Conv3D(CLASSES, 1, kernel_initializer="he_normal", name="classes", dtype="float32")(x)
    return keras.Model(image, layers.Softmax(dtype="float32", name="probabilities")(x), name="spinect")


def weight_shapes(filters: tuple[int, ...] = FILTERS) -> dict[str, tuple[int, ...]]:
    """The shape of every weight by ``layer/variable`` name, without building the network.

    Args:
        filters: channels of the levels, from full resolution down.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, kernel: tuple[int, ...], channels: int, *, norm: bool = False) -> None:
        shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = kernel, (channels,)
        if norm:
            statistics = ("gamma", "beta", "moving_mean", "moving_variance")
            shapes.update({f"{name}_norm/{statistic}": (channels,) for statistic in statistics})

    before = 1
    for level, channels in enumerate(filters):
        add(f"down{level}_a", (3, 3, 3, before, channels), channels, norm=level == 0)
        add(f"down{level}_b", (3, 3, 3, channels, channels), channels, norm=True)
        before = channels
    for level, channels in reversed(list(enumerate(filters[:-1]))):
        add(f"rise{level}", (2, 2, 2, channels, filters[level + 1]), channels)
        add(f"up{level}_a", (3, 3, 3, 2 * channels, channels), channels)
        add(f"up{level}_b", (3, 3, 3, channels, channels), channels, norm=True)
    add("classes", (1, 1, 1, filters[0], CLASSES), CLASSES)
    return shapes


def _kinds() -> Any:
    """Where the layers that compute most come from: Keras, or on torch ones with its own kernels."""
    import keras

    if keras.backend.backend() != "torch":
        return keras.layers
    from spinect_core.segmentation import torch_layers

    return torch_layers
