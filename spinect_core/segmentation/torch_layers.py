"""Keras' layers of the network with torch's own kernels, for the torch backend alone.

The variables, their names and the numbers are those of Keras' layers. What differs is how they are computed: on torch
Keras copies every picture to the order (batch, channel, z, y, x) before a convolution or a pooling and normalises a
batch in single steps over float32 copies. Here the channels stay last in memory, which torch's CPU convolutions like
best, the bias is added by the convolution, and a batch is normalised in one pass. docs/training.md says what that
saves.
"""

from __future__ import annotations

from typing import Any

import torch
from keras import layers, ops
from torch.nn import functional


class Conv3D(layers.Conv3D):
    """A convolution of stride 1 with a bias and as many voxels as before."""

    def call(self, inputs: Any) -> Any:
        """(batch, z, y, x, channels) to (batch, z, y, x, filters)."""
        kernel, bias = ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias)
        beside = tuple(n // 2 for n in self.kernel_size)
        return _last(functional.conv3d(_first(inputs), kernel.permute(4, 3, 0, 1, 2), bias, padding=beside))


class Conv3DTranspose(layers.Conv3DTranspose):
    """A transposed convolution with a bias whose kernel is as wide as its stride, so that nothing overlaps."""

    def call(self, inputs: Any) -> Any:
        """(batch, z, y, x, channels) to (batch, stride z, stride y, stride x, filters)."""
        kernel, bias = ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias)
        kernel = kernel.permute(4, 3, 0, 1, 2)
        return _last(functional.conv_transpose3d(_first(inputs), kernel, bias, stride=self.strides))


class MaxPooling3D(layers.MaxPooling3D):
    """The largest of each block of voxels."""

    def call(self, inputs: Any) -> Any:
        """(batch, z, y, x, channels) to the same with fewer voxels."""
        return _last(functional.max_pool3d(_first(inputs), self.pool_size))


class BatchNormalization(layers.BatchNormalization):
    """Normalisation by batch in training and by moving statistics otherwise; these are always float32."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The input's shape and type. There is no masking."""
        x, scale, shift = _first(inputs), self.gamma.value, self.beta.value
        if not (training and self.trainable):
            mean, variance = self.moving_mean.value, self.moving_variance.value
            return _last(functional.batch_norm(x, mean, variance, scale, shift, False, 0.0, self.epsilon))
        out, mean, inverse = torch.native_batch_norm(x, scale, shift, None, None, True, 0.0, self.epsilon)
        kept = self.momentum
        # As Keras does it: by the variance of the batch itself, where torch's modules would take the estimate for all.
        variance = inverse.detach() ** -2 - self.epsilon
        self.moving_mean.assign(kept * self.moving_mean + (1 - kept) * mean.detach())
        self.moving_variance.assign(kept * self.moving_variance + (1 - kept) * variance)
        return _last(out)


def _first(x: Any) -> Any:
    """Channels second by name, though not in memory."""
    return x.permute(0, 4, 1, 2, 3)


def _last(x: Any) -> Any:
    """Channels last by name."""
    return x.permute(0, 2, 3, 4, 1)
