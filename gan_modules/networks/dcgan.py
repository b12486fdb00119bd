"""The networks of Radford et al. 2015, section 3, at any size that halves down to 4..7 pixels.

``width`` features at half resolution, doubled at each halving: 64x64 1024-512-256-128, 32x32 512-256-128,
28x28 256-128, 16x16 256-128. Kernels are 4x4, as in the authors' own Torch release (the paper's figure draws 5x5).
"""

from itertools import pairwise

from torch import nn

from gan_modules.networks.layers import DiscriminatorNorm, halvings, norm2d, normal_init


class DCGANGenerator(nn.Sequential):
    """z (n, latent_dim) to images (n, channels, side, side) in [-1, 1], by strided transposed convolutions."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 128):
        base, count = halvings("dcgan", shape)
        features = [width * 2**i for i in reversed(range(count))]
        layers: list[nn.Module] = [
            nn.Unflatten(1, (latent_dim, 1, 1)),
            nn.ConvTranspose2d(latent_dim, features[0], base, bias=False),  # "project and reshape"
        ]
        for wide, narrow in pairwise(features):
            layers += [nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
            layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        layers += [nn.ConvTranspose2d(width, shape[0], 4, stride=2, padding=1), nn.Tanh()]
        super().__init__(*layers)
        normal_init(self)


class DCGANDiscriminator(nn.Sequential):
    """Images (n, channels, side, side) to one number each, (n, 1), by strided convolutions; the first has no norm."""

    def __init__(self, shape: tuple[int, ...], width: int = 128, norm: DiscriminatorNorm = "batch"):
        base, count = halvings("dcgan", shape)
        features = [width * 2**i for i in range(count)]
        layers: list[nn.Module] = [nn.Conv2d(shape[0], width, 4, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True)]
        for narrow, wide in pairwise(features):
            layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=1, bias=norm != "batch")]
            layers += [*norm2d(norm, wide), nn.LeakyReLU(0.2, inplace=True)]
        super().__init__(*layers, nn.Conv2d(features[-1], 1, base), nn.Flatten())
        normal_init(self)
