"""GANs whose generator turns noise into data: what GAN, DCGAN, WGAN, WGAN-GP and cGAN share."""

from typing import Literal

import torch
from torch import Tensor

from gan_modules.base import Batch, GANModule, evaluating, require
from gan_modules.networks import DiscriminatorNorm, NetworksName, build_players


class LatentGAN(GANModule):
    """A generator G: z -> x and a discriminator D: x -> one number, or (z, y) -> x and (x, y) -> one number.

    Args:
        latent_dim: dimensions of z.
        prior: distribution of z: standard normal, or uniform on [-1, 1].
        networks: architecture of both players.
        width: number of features that scales both networks; None: the published one of that architecture.
        discriminator_norm: normalisation inside the discriminator.
        conditional: give the label y to both players; the data must be labelled.
    """

    def __init__(
        self,
        *,
        latent_dim: int = 100,
        prior: Literal["normal", "uniform"] = "normal",
        networks: NetworksName = "dcgan",
        width: int | None = None,
        discriminator_norm: DiscriminatorNorm = "none",
        conditional: bool = False,
        **game,
    ):
        super().__init__(**game)
        require(latent_dim >= 1, f"latent_dim must be 1 or more, got {latent_dim}")
        require(width is None or width >= 1, f"width must be 1 or more, got {width}")
        self.latent_dim, self.prior, self.networks, self.width = latent_dim, prior, networks, width
        self.discriminator_norm, self.conditional = discriminator_norm, conditional

    def fit_to(self, data) -> None:
        name = getattr(data, "name", "this data")
        require(
            not isinstance(data.shape, dict),
            f"{type(self).__name__} draws images of one kind and {name} has two domains: use --model cyclegan",
        )
        super().fit_to(data)

    def build(self) -> None:
        require(
            not self.conditional or self.classes is not None,
            f"{type(self).__name__} needs labels and this data has none: "
            "choose labelled data, such as digits or a folder with one sub-folder per class",
        )
        self.generator, self.discriminator = build_players(
            self.networks,
            shape=self.shape,
            latent_dim=self.latent_dim,
            width=self.width,
            discriminator_norm=self.discriminator_norm,
            classes=self.classes if self.conditional else None,
        )

    def generate(self, batch: Batch) -> Batch:
        draw = self.noise.normal if self.prior == "normal" else self.noise.uniform
        z = self._from_draw(draw(len(batch["x"]), self.latent_dim))
        if not self.conditional:
            return {"x": self.generator(z)}
        return {"x": self.generator(z, batch["label"]), "label": batch["label"]}

    def judge(self, data: Batch) -> Tensor:
        """The discriminator's raw outputs on named data, shape (n, 1)."""
        return self.discriminator(data["x"], data["label"]) if self.conditional else self.discriminator(data["x"])

    def latent(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n draws of z from the prior, shape (n, latent_dim), by a generator on the CPU, on this model's device."""
        draw = torch.randn if self.prior == "normal" else torch.rand
        return self._from_draw(draw(n, self.latent_dim, generator=rng)).to(self.device)

    def _from_draw(self, draw: Tensor) -> Tensor:
        return draw if self.prior == "normal" else 2 * draw - 1

    def sample(self, latent: Tensor, label: Tensor | None = None) -> Tensor:
        """Data drawn from latents, in eval mode; images have values in [-1, 1].

        Args:
            latent: shape (n, latent_dim).
            label: classes, shape (n,), for a conditional model.

        Raises:
            ValueError: a conditional model is given no label.
        """
        require(not self.conditional or label is not None, f"{type(self).__name__} draws by class: give a label")
        with evaluating(self.best_generator) as generator:
            return generator(latent, label) if self.conditional else generator(latent)

    def pictures(self, batch: Batch, rng: torch.Generator) -> Batch:
        return {"real": batch["x"], "fake": self.sample(self.latent(len(batch["x"]), rng), batch.get("label"))}
