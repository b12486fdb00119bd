"""Image-to-Image Translation with Conditional Adversarial Networks. Isola, Zhu, Zhou, Efros. 2017.
https://arxiv.org/abs/1611.07004

    min_G max_D  E[log D(a, b)] + E[log(1 - D(a, G(a)))] + lambda E|b - G(a)|_1
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from gan_modules.base import Batch, evaluating, require
from gan_modules.losses import cross_entropy_discriminator, non_saturating_generator
from gan_modules.networks.translation import PatchDiscriminator, UNet
from gan_modules.pretrained import PIX2PIX_FILES
from gan_modules.schedules import ScheduleName
from gan_modules.translation import TranslationGAN


class Pix2Pix(TranslationGAN):
    """A U-Net translates paired images; a patch discriminator judges pairs. The noise is dropout, also in use.

    Args:
        direction: which domain is translated into which.
        l1_weight: lambda, the weight of the L1 term.
        halvings: of the U-Net; None: 8 for images of 256 pixels and more, else down to 1 pixel.
        width: features of the first layer of both players.
        init_from: weights of the pix2pix repository to begin with: ``latest_net_G.pth`` or the folder of such files.
    """

    needs_pairs = True

    def __init__(
        self,
        *,
        direction: Literal["AtoB", "BtoA"] = "AtoB",
        l1_weight: float = 100.0,
        halvings: int | None = None,
        width: int = 64,
        init_from: str | None = None,
        lr_schedule: ScheduleName = "linear",
        lr_decay_start: float = 0.5,
        **options,
    ):
        super().__init__(lr_schedule=lr_schedule, lr_decay_start=lr_decay_start, **options)
        self.start_from(init_from, PIX2PIX_FILES)
        require(l1_weight >= 0, f"l1_weight must be 0 or more, got {l1_weight}")
        require(width >= 1 and (halvings is None or halvings >= 2), "width must be 1 or more, halvings 2 or more")
        self.l1_weight, self.halvings, self.width = l1_weight, halvings, width
        self.directions, self.source, self.target = (direction,), direction[0], direction[-1]

    def build(self) -> None:
        source, target = self.shape[self.source], self.shape[self.target]
        require(source[1:] == target[1:], f"paired images must have one size, these have {source[1:]} and {target[1:]}")
        self.check_patches()
        side = min(source[1:])
        halvings = min(8, side.bit_length() - 1) if self.halvings is None else self.halvings
        good = source[1] % 2**halvings == 0 and source[2] % 2**halvings == 0
        require(
            good,
            f"a U-Net of {halvings} halvings needs sides that are multiples of {2**halvings}, got "
            f"{source[2]}x{source[1]}: set --data.crop_size, or --model.halvings",
        )
        self.multiple = self.smallest = 2**halvings
        self.generator = UNet(source[0], target[0], halvings=halvings, width=self.width)
        self.discriminator = PatchDiscriminator(source[0] + target[0], width=self.width, norm="batch")
        self.take_pretrained()

    def generate(self, batch: Batch) -> Batch:
        return {self.target: self.generator(batch[self.source])}

    def judge(self, source: Tensor, target: Tensor) -> Tensor:
        """Raw outputs on pairs, one for each patch."""
        return self.discriminator(torch.cat([source, target], dim=1))

    def discriminator_objective(self, real: Batch, fake: Batch) -> Batch:
        source = real[self.source]
        on_real, on_fake = self.judge(source, real[self.target]), self.judge(source, fake[self.target])
        self.observe(discriminator__real=on_real.sigmoid(), discriminator__fake=on_fake.sigmoid())
        # Halved, "which slows down the rate at which D learns" (section 3.3).
        return {"adversarial": cross_entropy_discriminator(on_real, on_fake) / 2}

    def generator_objective(self, real: Batch, fake: Batch) -> Batch:
        drawn = fake[self.target]
        return {
            "adversarial": non_saturating_generator(self.judge(real[self.source], drawn)),
            "l1": self.l1_weight * l1_loss(drawn, real[self.target]),
        }

    def translate(self, images: Tensor, direction: str = "AtoB") -> Tensor:
        require(direction in self.directions, f"this model translates {self.directions[0]} only")
        with evaluating(self.best_generator) as generator:
            return generator(images)

    def pictures(self, batch: Batch, rng: torch.Generator) -> Batch:
        (direction,) = self.directions
        # The dropout inside draws from torch's default generator; its state is put back afterwards.
        with torch.random.fork_rng(devices=[batch[self.source].device] if self.device.type == "cuda" else []):
            torch.manual_seed(rng.initial_seed())
            drawn = self.translate(batch[self.source], direction)
        return {"real_A": batch["A"], "real_B": batch["B"], f"fake_{self.target}": drawn}

    @property
    def panels(self) -> dict[str, tuple[str, ...]]:
        return {self.directions[0]: (f"real_{self.source}", f"fake_{self.target}", f"real_{self.target}")}
