"""Generative Adversarial Networks. Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville, Bengio. 2014.
https://arxiv.org/abs/1406.2661

    min_G max_D  V(D, G) = E_x[log D(x)] + E_z[log(1 - D(G(z)))]
"""

from gan_modules.base import Batch, require
from gan_modules.latent import LatentGAN
from gan_modules.losses import LOSSES, LossName
from gan_modules.networks import DiscriminatorNorm, NetworksName
from gan_modules.penalties import r1_penalty


class GAN(LatentGAN):
    """The original game, by default between multilayer perceptrons.

    Args:
        loss: adversarial loss of both players; ``non_saturating`` is what the paper trained with, ``minimax`` its
            equation (1) to the letter.
        r1_weight: gamma of the R1 penalty gamma/2 E|grad D(x)|^2 (Mescheder et al. 2018).
        label_smoothing: one-sided: the discriminator's target for real data is 1 minus this (Salimans et al. 2016).
        instance_noise: standard deviation of Gaussian noise added to all that the discriminator judges
            (Sonderby et al. 2017), in units of the data's range [-1, 1].
        instance_noise_steps: generator steps over which the instance noise falls linearly to 0.
    """

    def __init__(
        self,
        *,
        loss: LossName = "non_saturating",
        r1_weight: float = 0.0,
        label_smoothing: float = 0.0,
        instance_noise: float = 0.0,
        instance_noise_steps: int = 10_000,
        networks: NetworksName = "mlp",
        discriminator_norm: DiscriminatorNorm = "none",
        **options,
    ):
        super().__init__(networks=networks, discriminator_norm=discriminator_norm, **options)
        require(loss in LOSSES, f"loss must be one of {', '.join(LOSSES)}, got {loss!r}")
        require(0 <= label_smoothing < 1, f"label_smoothing must lie in [0, 1), got {label_smoothing}")
        require(
            label_smoothing == 0 or LOSSES[loss].takes_target, f"label_smoothing has no meaning for the {loss} loss"
        )
        require(r1_weight >= 0 and instance_noise >= 0, "r1_weight and instance_noise must be 0 or more")
        require(instance_noise_steps >= 1, f"instance_noise_steps must be 1 or more, got {instance_noise_steps}")
        require(
            not r1_weight or discriminator_norm != "batch",
            "R1 is a penalty per datum and BatchNorm mixes data: set discriminator_norm to none, layer or spectral",
        )
        self.loss = LOSSES[loss]
        self.r1_weight, self.label_smoothing = r1_weight, label_smoothing
        self.instance_noise, self.instance_noise_steps = instance_noise, instance_noise_steps

    def discriminator_objective(self, real: Batch, fake: Batch) -> Batch:
        real_logits, fake_logits = self.judge(self.blurred(real)), self.judge(self.blurred(fake))
        self.observe_judgement(real_logits, fake_logits)
        target = {"real_target": 1 - self.label_smoothing} if self.label_smoothing else {}
        terms = {"adversarial": self.loss.discriminator(real_logits, fake_logits, **target)}
        if self.r1_weight:
            terms["r1"] = self.r1_weight / 2 * r1_penalty(lambda x: self.judge({**real, "x": x}), real["x"])
        return terms

    def generator_objective(self, real: Batch, fake: Batch) -> Batch:
        return {"adversarial": self.loss.generator(self.judge(self.blurred(fake)))}

    def blurred(self, data: Batch) -> Batch:
        """The data under this step's instance noise."""
        deviation = self.instance_noise * max(0.0, 1 - self.step_index / self.instance_noise_steps)
        if deviation == 0:
            return data
        return {**data, "x": data["x"] + deviation * self.noise.normal(*data["x"].shape)}

    def observe_judgement(self, real_logits, fake_logits) -> None:
        """Log D on real and fake data: as probabilities where the loss makes them that, else as they are."""
        if self.loss.probabilistic:
            real_logits, fake_logits = real_logits.sigmoid(), fake_logits.sigmoid()
        self.observe(discriminator__real=real_logits, discriminator__fake=fake_logits)
