"""Small parts that several architectures share."""

import math
from typing import Literal

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

DiscriminatorNorm = Literal["batch", "none", "layer", "spectral"]


def norm2d(kind: DiscriminatorNorm, features: int) -> list[nn.Module]:
    """The normalisation after a convolution, as zero or one modules (spectral norm sits in the convolution itself)."""
    if kind == "batch":
        return [nn.BatchNorm2d(features)]
    # One group is layer normalisation over channels and positions, as the WGAN-GP paper recommends.
    return [nn.GroupNorm(1, features)] if kind == "layer" else []


def norm1d(kind: DiscriminatorNorm, features: int) -> list[nn.Module]:
    """The normalisation after a linear layer, as zero or one modules."""
    if kind == "batch":
        return [nn.BatchNorm1d(features)]
    return [nn.LayerNorm(features)] if kind == "layer" else []


def with_spectral_norm(network: nn.Module) -> nn.Module:
    """Divide the weights of every linear and convolutional layer by their spectral norm (Miyato et al. 2018)."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            spectral_norm(module)
    return network


def normal_init(network: nn.Module) -> nn.Module:
    """DCGAN's initial weights: N(0, 0.02) for every layer, N(1, 0.02) for the gains of BatchNorm, biases 0."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    return network


def halvings(network: str, shape: tuple[int, ...], base: range = range(4, 8)) -> tuple[int, int]:
    """(side of the smallest feature map, number of halvings from the image down to it) for square images.

    Raises:
        ValueError: the shape is not an image's, not square, or not ``base * 2^n`` with n >= 1.
    """
    if len(shape) != 3:
        raise ValueError(f"the {network} networks are for images, not for data of shape {shape}: use networks mlp")
    side = shape[1]
    for count in range(1, 12):
        if side % 2**count == 0 and side // 2**count in base and shape[1] == shape[2]:
            return side // 2**count, count
    good = sorted((b * 2**n for b in base for n in range(1, 8)), key=lambda s: abs(math.log(s / max(side, 1))))
    raise ValueError(
        f"the {network} networks need square images of {base[0]}..{base[-1]} x 2^n pixels, got {shape[1]}x{shape[2]}: "
        f"set image_size, for example to {good[0]}"
    )
