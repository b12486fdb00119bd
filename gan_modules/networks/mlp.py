"""Multilayer perceptrons, for images of any size and for points."""

import math

from torch import nn

from gan_modules.networks.layers import DiscriminatorNorm, norm1d


class MLPGenerator(nn.Sequential):
    """z (n, latent_dim) to data (n, \\*shape): hidden layers of width, 2 width, 4 width with ReLU.

    Images end in tanh; points (a shape of one axis) are unbounded.
    """

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 256):
        layers: list[nn.Module] = []
        for features_in, features in ((latent_dim, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [nn.Linear(features_in, features), nn.ReLU(inplace=True)]
        layers += [nn.Linear(4 * width, math.prod(shape)), nn.Unflatten(1, shape)]
        super().__init__(*layers, *([nn.Tanh()] if len(shape) == 3 else []))


class MLPDiscriminator(nn.Sequential):
    """Data (n, \\*shape) to one number each, (n, 1): hidden layers of 2 width and width with LeakyReLU 0.2."""

    def __init__(self, shape: tuple[int, ...], width: int = 256, norm: DiscriminatorNorm = "none"):
        layers: list[nn.Module] = [nn.Flatten()]
        for features_in, features in ((math.prod(shape), 2 * width), (2 * width, width)):
            layers += [nn.Linear(features_in, features), *norm1d(norm, features), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(*layers, nn.Linear(width, 1))
