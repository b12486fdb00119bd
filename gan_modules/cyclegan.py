"""Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks. Zhu, Park, Isola, Efros. 2017.
https://arxiv.org/abs/1703.10593

    L(G, D_B, A, B) + L(F, D_A, B, A) + lambda (E_A |F(G(A)) - A|_1 + E_B |G(F(B)) - B|_1)

G: A -> B is ``generator["AtoB"]``, F: B -> A is ``generator["BtoA"]``; ``discriminator["A"]`` judges domain A.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss

from gan_modules.base import Batch, evaluating, require
from gan_modules.losses import least_squares_discriminator, least_squares_generator
from gan_modules.networks.translation import PatchDiscriminator, ResidualTranslator
from gan_modules.pool import ImagePool
from gan_modules.pretrained import CYCLEGAN_FILES
from gan_modules.schedules import ScheduleName
from gan_modules.translation import TranslationGAN


class CycleGAN(TranslationGAN):
    """As the authors published and released it: least squares, D's loss halved, G first, a pool of 50 earlier fakes.

    Args:
        cycle_weight: lambda, the weight of both cycle terms.
        identity_weight: weight of |F(A) - A| and |G(B) - B| as a share of ``cycle_weight``; the domains must then have
            the same channels.
        pool_size: earlier fakes that the discriminators are shown again; 0: none.
        blocks: residual blocks of the generators; None: 9 for images of 256 pixels and more, else 6.
        width: features of the first layer of generators and discriminators.
        init_from: weights of the CycleGAN repository to begin with: ``latest_net_G_A.pth`` or the folder of such files.
    """

    moves_first = "generator"
    directions = ("AtoB", "BtoA")

    def __init__(
        self,
        *,
        cycle_weight: float = 10.0,
        identity_weight: float = 0.5,
        pool_size: int = 50,
        blocks: int | None = None,
        width: int = 64,
        init_from: str | None = None,
        lr_schedule: ScheduleName = "linear",
        lr_decay_start: float = 0.5,
        **options,
    ):
        super().__init__(lr_schedule=lr_schedule, lr_decay_start=lr_decay_start, **options)
        self.start_from(init_from, CYCLEGAN_FILES)
        require(cycle_weight >= 0 and identity_weight >= 0, "cycle_weight and identity_weight must be 0 or more")
        require(pool_size >= 0, f"pool_size must be 0 or more, got {pool_size}")
        require(width >= 1 and (blocks is None or blocks >= 0), "width must be 1 or more, blocks 0 or more")
        self.cycle_weight, self.identity_weight, self.blocks, self.width = cycle_weight, identity_weight, blocks, width
        self.pools = {name: ImagePool(pool_size) for name in ("A", "B")}

    def build(self) -> None:
        a, b = self.shape["A"], self.shape["B"]
        self.check_patches()
        require(
            not self.identity_weight or a[0] == b[0],
            f"the identity terms need domains of the same channels, these have {a[0]} and {b[0]}: "
            "set --model.identity_weight 0",
        )
        size = {"size": min(a[1:]), "blocks": self.blocks, "width": self.width}
        self.generator = nn.ModuleDict(
            {"AtoB": ResidualTranslator(a[0], b[0], **size), "BtoA": ResidualTranslator(b[0], a[0], **size)}
        )
        self.discriminator = nn.ModuleDict(
            {name: PatchDiscriminator(shape[0], width=self.width) for name, shape in (("A", a), ("B", b))}
        )
        self.take_pretrained()

    def generate(self, batch: Batch) -> Batch:
        translate = self.generator
        if not self.identity_weight or batch["A"].shape != batch["B"].shape:
            fakes = {"A": translate["BtoA"](batch["B"]), "B": translate["AtoB"](batch["A"])}
            if self.identity_weight:
                fakes |= {"identity_A": translate["BtoA"](batch["A"]), "identity_B": translate["AtoB"](batch["B"])}
            return fakes
        # Instance norm treats every image alone, so that one forward pass can serve translation and identity.
        both = torch.cat([batch["A"], batch["B"]])
        identity_a, fake_a = translate["BtoA"](both).chunk(2)
        fake_b, identity_b = translate["AtoB"](both).chunk(2)
        return {"A": fake_a, "B": fake_b, "identity_A": identity_a, "identity_B": identity_b}

    def generator_objective(self, real: Batch, fake: Batch) -> Batch:
        # The cycles reuse the fakes.
        cycled = {"A": self.generator["BtoA"](fake["B"]), "B": self.generator["AtoB"](fake["A"])}
        terms = {}
        for name in ("A", "B"):
            # The authors halve the discriminator's least squares and not the generator's.
            terms[f"adversarial_{name}"] = 2 * least_squares_generator(self.discriminator[name](fake[name]))
            terms[f"cycle_{name}"] = self.cycle_weight * l1_loss(cycled[name], real[name])
            if self.identity_weight:
                weight = self.cycle_weight * self.identity_weight
                terms[f"identity_{name}"] = weight * l1_loss(fake[f"identity_{name}"], real[name])
        return terms

    def discriminator_objective(self, real: Batch, fake: Batch) -> Batch:
        terms = {}
        for name in ("A", "B"):
            shown = self.pools[name].query(fake[name], self.noise.private(len(fake[name]), 2))
            on_real, on_fake = self.discriminator[name](real[name]), self.discriminator[name](shown)
            self.observe(**{f"discriminator__{name}__real": on_real, f"discriminator__{name}__fake": on_fake})
            terms[f"adversarial_{name}"] = least_squares_discriminator(on_real, on_fake)
        return terms

    def translate(self, images: Tensor, direction: str = "AtoB") -> Tensor:
        with evaluating(self.best_generator) as generator:
            return generator[direction](images)

    def pictures(self, batch: Batch, rng: torch.Generator) -> Batch:
        a, b = batch["A"], batch["B"]
        pictures = {"real_A": a, "fake_B": self.translate(a, "AtoB"), "real_B": b, "fake_A": self.translate(b, "BtoA")}
        pictures |= {"rec_A": self.translate(pictures["fake_B"], "BtoA")}
        pictures |= {"rec_B": self.translate(pictures["fake_A"], "AtoB")}
        if self.identity_weight:
            pictures |= {"idt_A": self.translate(a, "BtoA"), "idt_B": self.translate(b, "AtoB")}
        return pictures

    @property
    def panels(self) -> dict[str, tuple[str, ...]]:
        rows = {"AtoB": ("real_A", "fake_B", "rec_A"), "BtoA": ("real_B", "fake_A", "rec_B")}
        idt = {"AtoB": ("idt_A",), "BtoA": ("idt_B",)} if self.identity_weight else {}
        return {name: row + idt.get(name, ()) for name, row in rows.items()}

    # The pools are part of a checkpoint, every rank's.

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        super().on_save_checkpoint(checkpoint)
        mine = {name: [image.cpu() for image in pool.images] for name, pool in self.pools.items()}
        checkpoint["image_pools"] = self.of_every_rank(mine)

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        pools = self.my_share(checkpoint.get("image_pools", []), "image pools")
        for name, images in (pools or {}).items():
            self.pools[name].images = list(images)
