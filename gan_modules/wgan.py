"""Wasserstein GAN. Arjovsky, Chintala, Bottou. 2017. https://arxiv.org/abs/1701.07875

    min_G max_{|f|_L <= 1}  E_x[f(x)] - E_z[f(G(z))]

The critic f is kept Lipschitz by clipping its weights after each of its steps.
"""

from typing import Literal

import torch

from gan_modules.base import Batch, require
from gan_modules.latent import LatentGAN
from gan_modules.losses import wasserstein_discriminator, wasserstein_generator
from gan_modules.networks import DiscriminatorNorm, NetworksName


class WGAN(LatentGAN):
    """Algorithm 1 of the paper: a critic without logarithms, RMSprop, five critic steps to each of the generator's.

    Args:
        clip: weights of the critic are clipped to [-clip, clip] after each critic step.
        optimizer: RMSprop as in the paper (momentum made the critic unstable), or Adam with ``betas``.
    """

    def __init__(
        self,
        *,
        clip: float = 0.01,
        n_critic: int = 5,
        lr: float = 5e-5,
        optimizer: Literal["rmsprop", "adam"] = "rmsprop",
        networks: NetworksName = "dcgan",
        discriminator_norm: DiscriminatorNorm = "batch",
        **options,
    ):
        super().__init__(n_critic=n_critic, lr=lr, networks=networks, discriminator_norm=discriminator_norm, **options)
        require(clip > 0, f"clip must be above 0, got {clip}")
        require(optimizer in ("rmsprop", "adam"), f"optimizer must be rmsprop or adam, got {optimizer!r}")
        self.clip, self.optimizer = clip, optimizer

    def discriminator_objective(self, real: Batch, fake: Batch) -> Batch:
        on_real, on_fake = self.judge(real), self.judge(fake)
        self.observe(discriminator__real=on_real, discriminator__fake=on_fake)
        return {"adversarial": wasserstein_discriminator(on_real, on_fake)}

    def generator_objective(self, real: Batch, fake: Batch) -> Batch:
        return {"adversarial": wasserstein_generator(self.judge(fake))}

    @torch.no_grad()
    def after_discriminator_step(self) -> None:
        for parameter in self.discriminator.parameters():
            parameter.clamp_(-self.clip, self.clip)

    def make_optimizer(self, parameters, lr):
        if self.optimizer == "adam":
            return super().make_optimizer(parameters, lr)
        return torch.optim.RMSprop(parameters, lr=lr)
