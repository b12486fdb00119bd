"""GANs as LightningModules: every model is a class here, named as in its paper."""

from gan_modules.base import GANModule
from gan_modules.cgan import CGAN
from gan_modules.cyclegan import CycleGAN
from gan_modules.dcgan import DCGAN
from gan_modules.gan import GAN
from gan_modules.latent import LatentGAN
from gan_modules.loading import load_model
from gan_modules.pix2pix import Pix2Pix
from gan_modules.translation import TranslationGAN
from gan_modules.wgan import WGAN
from gan_modules.wgan_gp import WGANGP

__all__ = [
    "CGAN",
    "DCGAN",
    "GAN",
    "WGAN",
    "WGANGP",
    "CycleGAN",
    "GANModule",
    "LatentGAN",
    "Pix2Pix",
    "TranslationGAN",
    "load_model",
]
