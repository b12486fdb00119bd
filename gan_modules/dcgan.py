"""Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.
Radford, Metz, Chintala. 2015. https://arxiv.org/abs/1511.06434

The game of the GAN paper between convolutional networks: strides in place of pooling, BatchNorm in both players.
"""

from gan_modules.gan import GAN
from gan_modules.networks import DiscriminatorNorm, NetworksName


class DCGAN(GAN):
    """A GAN with other networks: at 64x64 the generator has 1024-512-256-128 features, other sizes follow its rule."""

    def __init__(self, *, networks: NetworksName = "dcgan", discriminator_norm: DiscriminatorNorm = "batch", **options):
        super().__init__(networks=networks, discriminator_norm=discriminator_norm, **options)
