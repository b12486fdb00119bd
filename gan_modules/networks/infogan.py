"""The networks of InfoGAN (Chen et al. 2016) as Lucic et al. 2018 used them to compare GANs, at 28x28 and 32x32.

``width`` 64 gives the published sizes; LeakyReLU has slope 0.2.
"""

from torch import Tensor, nn

from gan_modules.networks.layers import DiscriminatorNorm, norm1d, norm2d, normal_init


def _quarter(shape: tuple[int, ...]) -> int:
    if len(shape) != 3 or shape[1] != shape[2] or shape[1] % 4:
        raise ValueError(f"the infogan networks need square images whose side is a multiple of 4, got shape {shape}")
    return shape[1] // 4


class InfoGANGenerator(nn.Module):
    """z (n, latent_dim) to images in [-1, 1]: fc 1024, fc 128 x side/4 x side/4, deconv 64, deconv channels."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 64):
        super().__init__()
        side, hidden, wide = _quarter(shape), 16 * width, 2 * width
        act = lambda: nn.LeakyReLU(0.2, inplace=True)
        self.layers = nn.Sequential(
            *(nn.Linear(latent_dim, hidden, bias=False), nn.BatchNorm1d(hidden), act()),
            *(nn.Linear(hidden, wide * side * side, bias=False), nn.BatchNorm1d(wide * side * side), act()),
            nn.Unflatten(1, (wide, side, side)),
            *(nn.ConvTranspose2d(wide, width, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), act()),
            *(nn.ConvTranspose2d(width, shape[0], 4, stride=2, padding=1), nn.Sigmoid()),
        )
        normal_init(self)

    def forward(self, z: Tensor) -> Tensor:
        return 2 * self.layers(z) - 1  # the published sigmoid, in our range


class InfoGANDiscriminator(nn.Sequential):
    """Images to one number each: conv 64, conv 128, fc 1024, fc 1; normalised from the second layer on."""

    def __init__(self, shape: tuple[int, ...], width: int = 64, norm: DiscriminatorNorm = "batch"):
        side, hidden, wide = _quarter(shape), 16 * width, 2 * width
        act = lambda: nn.LeakyReLU(0.2, inplace=True)
        super().__init__(
            *(nn.Conv2d(shape[0], width, 4, stride=2, padding=1), act()),
            *(nn.Conv2d(width, wide, 4, stride=2, padding=1), *norm2d(norm, wide), act()),
            nn.Flatten(),
            *(nn.Linear(wide * side * side, hidden), *norm1d(norm, hidden), act()),
            nn.Linear(hidden, 1),
        )
        normal_init(self)
