"""Two domains with no download: patches of the two photographs that come with scikit-learn."""

import torch
from torch import Tensor

from datamodules.base import Split
from datamodules.domains import DomainsDataModule, Source
from datamodules.sources import Images

FILES = {"A": "china.jpg", "B": "flower.jpg"}


class Photos(DomainsDataModule):
    """A: a temple in China; B: a flower. Training cuts patches anywhere in the left three quarters, the test set is a
    grid of patches of the right quarter.

    Args:
        crop_size: side of a patch in pixels.
        epoch_size: patches that an epoch draws.
    """

    name = "photos"

    def __init__(self, crop_size: int = 64, epoch_size: int = 1000, batch_size: int = 1, **options):
        super().__init__(crop_size=crop_size, batch_size=batch_size, **options)
        if self.load_size is not None or self.paired:
            raise ValueError("photos are cut from two photographs as they are: leave out load_size and paired")
        self.epoch_size = epoch_size

    def read(self, split: Split) -> dict[str, Source]:
        return {name: Images(self._part(file, split)[None]) for name, file in FILES.items()}

    def shown(self, split: Split) -> dict[str, Source]:
        """A grid of patches of each photograph's part."""
        grids = {}
        for name, file in FILES.items():
            rows = self._part(file, split).unfold(1, self.crop_size, self.crop_size)
            patches = rows.unfold(2, self.crop_size, self.crop_size).permute(1, 2, 0, 3, 4).flatten(0, 1)
            grids[name] = Images(patches.contiguous())
        return grids

    def size(self, split: Split) -> int:
        return self.epoch_size if split == "train" else len(self.shown(split)["A"])

    def _part(self, file: str, split: Split) -> Tensor:
        from sklearn.datasets import load_sample_image

        photo = torch.from_numpy(load_sample_image(file).copy()).permute(2, 0, 1)
        border = photo.shape[2] * 3 // 4
        return (photo[..., :border] if split == "train" else photo[..., border:]).contiguous()

    def describe(self) -> str:
        shapes = " x ".join(map(str, self.shape["A"]))
        return f"{self.name}: A a temple, B a flower, {self.epoch_size:,} patches of each an epoch, {shapes}"
