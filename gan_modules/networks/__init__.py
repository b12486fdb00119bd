"""The architectures of the players, by name; any model can play with any of them."""

from typing import Literal

from torch import nn

from gan_modules.networks.conditional import ConditionalDiscriminator, ConditionalGenerator
from gan_modules.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from gan_modules.networks.infogan import InfoGANDiscriminator, InfoGANGenerator
from gan_modules.networks.layers import DiscriminatorNorm, with_spectral_norm
from gan_modules.networks.mlp import MLPDiscriminator, MLPGenerator
from gan_modules.networks.resnet import ResNetDiscriminator, ResNetGenerator

NetworksName = Literal["mlp", "dcgan", "infogan", "resnet"]

_PLAYERS = {
    "mlp": (MLPGenerator, MLPDiscriminator),
    "dcgan": (DCGANGenerator, DCGANDiscriminator),
    "infogan": (InfoGANGenerator, InfoGANDiscriminator),
    "resnet": (ResNetGenerator, ResNetDiscriminator),
}
#: Dimensions of the generator's label embedding.
LABEL_DIM = 50


def build_players(
    name: NetworksName,
    *,
    shape: tuple[int, ...],
    latent_dim: int,
    width: int | None = None,
    discriminator_norm: DiscriminatorNorm = "none",
    classes: int | None = None,
) -> tuple[nn.Module, nn.Module]:
    """A generator and a discriminator for data of ``shape``.

    Args:
        width: number of features that scales both; None: the published one.
        classes: number of classes that both players are told; None: unconditional.

    Raises:
        ValueError: an unknown architecture, or one that cannot serve this shape.
    """
    if name not in _PLAYERS:
        raise ValueError(f"networks must be one of {', '.join(_PLAYERS)}, got {name!r}")
    make_generator, make_discriminator = _PLAYERS[name]
    size = {} if width is None else {"width": width}
    if classes is None:
        generator = make_generator(latent_dim, shape, **size)
        discriminator = make_discriminator(shape, norm=discriminator_norm, **size)
    else:
        generator = make_generator(latent_dim + LABEL_DIM, shape, **size)
        discriminator = make_discriminator(ConditionalDiscriminator.extended(shape), norm=discriminator_norm, **size)
        generator = ConditionalGenerator(generator, classes, LABEL_DIM)
        discriminator = ConditionalDiscriminator(discriminator, classes, shape)
    return generator, with_spectral_norm(discriminator) if discriminator_norm == "spectral" else discriminator


__all__ = ["DiscriminatorNorm", "NetworksName", "build_players"]
