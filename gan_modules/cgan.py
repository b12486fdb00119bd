"""Conditional Generative Adversarial Nets. Mirza, Osindero. 2014. https://arxiv.org/abs/1411.1784

min_G max_D  E_x[log D(x | y)] + E_z[log(1 - D(G(z | y)))]
"""

from gan_modules.gan import GAN


class CGAN(GAN):
    """A GAN whose players both see the label y; the fakes of a step carry the labels of its reals."""

    def __init__(self, *, conditional: bool = True, **options):
        super().__init__(conditional=conditional, **options)
