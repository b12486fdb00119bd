"""The residual networks of Gulrajani et al. 2017, appendix F (CIFAR-10), at any size that halves down to 4..7 pixels.

At 32x32: three up-sampling blocks in the generator; two down-sampling and two plain blocks in the critic; 128 features.
"""

from torch import Tensor, nn

from gan_modules.networks.layers import DiscriminatorNorm, halvings, norm2d


class _UpBlock(nn.Module):
    """BN-ReLU-upsample-conv-BN-ReLU-conv, added to an upsampled shortcut."""

    def __init__(self, features: int):
        super().__init__()
        self.shortcut = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(features, features, 1))
        self.residual = nn.Sequential(
            *(nn.BatchNorm2d(features), nn.ReLU(), nn.Upsample(scale_factor=2)),
            nn.Conv2d(features, features, 3, padding=1, bias=False),
            *(nn.BatchNorm2d(features), nn.ReLU(inplace=True), nn.Conv2d(features, features, 3, padding=1)),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.residual(x)


class _Block(nn.Module):
    """(norm-ReLU-)conv-norm-ReLU-conv-(mean pool), added to its shortcut."""

    def __init__(self, features_in: int, features: int, norm: DiscriminatorNorm, down: bool, first: bool = False):
        super().__init__()
        pool = [nn.AvgPool2d(2)] if down else []
        self.residual = nn.Sequential(
            *([] if first else [*norm2d(norm, features_in), nn.ReLU()]),  # the image itself is not rectified
            *(nn.Conv2d(features_in, features, 3, padding=1), *norm2d(norm, features), nn.ReLU(inplace=True)),
            *(nn.Conv2d(features, features, 3, padding=1), *pool),
        )
        # Pooling before a 1x1 convolution commutes with it and costs a quarter.
        plain = features_in == features and not down
        self.shortcut = nn.Identity() if plain else nn.Sequential(*pool, nn.Conv2d(features_in, features, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + self.residual(x)


class _SpatialMean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))


def _he_init(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            # Shortcuts (1x1) carry no ReLU and get Glorot's gain, as in the authors' code.
            if module.kernel_size == (1, 1):
                nn.init.xavier_uniform_(module.weight)
            else:
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class ResNetGenerator(nn.Sequential):
    """z (n, latent_dim) to images (n, channels, side, side) in [-1, 1]."""

    def __init__(self, latent_dim: int, shape: tuple[int, ...], width: int = 128):
        base, count = halvings("resnet", shape)
        super().__init__(
            *(nn.Linear(latent_dim, width * base * base), nn.Unflatten(1, (width, base, base))),
            *(_UpBlock(width) for _ in range(count)),
            *(nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.Conv2d(width, shape[0], 3, padding=1), nn.Tanh()),
        )
        _he_init(self)


class ResNetDiscriminator(nn.Sequential):
    """Images (n, channels, side, side) to one number each, (n, 1)."""

    def __init__(self, shape: tuple[int, ...], width: int = 128, norm: DiscriminatorNorm = "none"):
        _, count = halvings("resnet", shape)
        downs = max(1, count - 1)  # 32x32 ends at 8x8
        super().__init__(
            *(_Block(shape[0] if i == 0 else width, width, norm, down=True, first=i == 0) for i in range(downs)),
            *(_Block(width, width, norm, down=False) for _ in range(2)),
            *(nn.ReLU(), _SpatialMean(), nn.Linear(width, 1)),
        )
        _he_init(self)
