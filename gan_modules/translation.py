"""GANs that turn images of one domain into images of another: what CycleGAN and pix2pix share."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor
from torch.nn.functional import pad

from gan_modules.base import GANModule, log, require
from gan_modules.pretrained import load_pretrained


class TranslationGAN(GANModule):
    """Batches hold domains ``A`` and ``B``; a generator draws an image of one from an image of the other."""

    #: What it can translate: ``AtoB``, ``BtoA`` or both.
    directions: tuple[str, ...] = ("AtoB",)
    #: Whether A and B of a batch must belong together.
    needs_pairs: ClassVar[bool] = False
    #: Fakes are made from data, so there are no more of them than there are data.
    endless: ClassVar[bool] = False

    def fit_to(self, data) -> None:
        name = getattr(data, "name", "this data")
        require(
            isinstance(data.shape, dict),
            f"{type(self).__name__} translates between two domains and {name} is one: use --data photos, or a folder "
            "with trainA and trainB",
        )
        super().fit_to(data)

    def start_from(self, path: str | None, files: dict[str, tuple[str, str | None]]) -> None:
        """Begin training with weights of the CycleGAN and pix2pix repository."""
        self._pretrained = (path, files)
        # A checkpoint has weights of its own, and must load where that file is not.
        self.hparams.pop("init_from", None)

    def take_pretrained(self) -> None:
        """Fill the players that were just built, where there is something to fill them from."""
        path, files = self._pretrained
        if path is not None:
            for line in load_pretrained(self, path, files):
                log.warning("init_from: %s", line)

    @property
    def scored(self) -> dict[str, tuple[str, str]]:
        return {d: (f"real_{d[-1]}", f"fake_{d[-1]}") for d in self.directions}

    @abstractmethod
    def translate(self, images: Tensor, direction: str = "AtoB") -> Tensor:
        """Images (n, channels, h, w) in [-1, 1] translated, in eval mode; h and w must suit the generator's strides."""

    def translate_any(self, images: Tensor, direction: str = "AtoB") -> Tensor:
        """Like ``translate`` for images of any height and width: padded by reflection, and cut to their size again."""
        height, width = images.shape[2:]
        down, right = (max(n + -n % self.multiple, self.smallest) - n for n in (height, width))
        # Reflection cannot pad by more than there is; tiny images are padded by their edge.
        mode = "reflect" if down < height and right < width else "replicate"
        padded = pad(images, (0, right, 0, down), mode=mode) if down or right else images
        return self.translate(padded, direction)[..., :height, :width]

    #: Height and width that the generator takes are multiples of this, and no smaller than ``smallest``.
    multiple: int = 4
    smallest: int = 8

    def check_patches(self) -> None:
        """Refuse images that are too small for the patch discriminator's norm layers."""
        for _, height, width in self.shape.values():
            require(
                min(height, width) >= 24,
                f"the patch discriminator needs images of 24 pixels and more, got {width}x{height}: raise crop_size",
            )
