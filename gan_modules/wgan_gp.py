"""Improved Training of Wasserstein GANs. Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville. 2017.
https://arxiv.org/abs/1704.00028

    min_G max_f  E_x[f(x)] - E_z[f(G(z))] - lambda E_x_hat[(|grad f(x_hat)| - 1)^2]

x_hat lies uniformly on the line between a real and a generated datum.
"""

from gan_modules.base import Batch, require
from gan_modules.latent import LatentGAN
from gan_modules.losses import wasserstein_discriminator, wasserstein_generator
from gan_modules.networks import DiscriminatorNorm, NetworksName
from gan_modules.penalties import gradient_penalty


class WGANGP(LatentGAN):
    """Algorithm 1 of the paper. ``networks="resnet"`` are its residual ones for 32x32.

    Args:
        gp_weight: lambda, the weight of the gradient penalty.
    """

    def __init__(
        self,
        *,
        gp_weight: float = 10.0,
        n_critic: int = 5,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.0, 0.9),
        networks: NetworksName = "dcgan",
        discriminator_norm: DiscriminatorNorm = "none",
        **options,
    ):
        super().__init__(
            n_critic=n_critic, lr=lr, betas=betas, networks=networks, discriminator_norm=discriminator_norm, **options
        )
        require(gp_weight >= 0, f"gp_weight must be 0 or more, got {gp_weight}")
        require(
            discriminator_norm != "batch",
            "the gradient penalty is per datum, BatchNorm mixes data: use discriminator_norm none, layer or spectral",
        )
        self.gp_weight = gp_weight

    def discriminator_objective(self, real: Batch, fake: Batch) -> Batch:
        on_real, on_fake = self.judge(real), self.judge(fake)
        self.observe(discriminator__real=on_real, discriminator__fake=on_fake)
        x = real["x"]
        mix = self.noise.uniform(len(x), *(1 for _ in x.shape[1:]))
        penalty = gradient_penalty(lambda x_hat: self.judge({**real, "x": x_hat}), x, fake["x"], mix)
        return {
            "adversarial": wasserstein_discriminator(on_real, on_fake),
            "gradient_penalty": self.gp_weight * penalty,
        }

    def generator_objective(self, real: Batch, fake: Batch) -> Batch:
        return {"adversarial": wasserstein_generator(self.judge(fake))}
