"""Two domains with no download: patches of the two photographs that come with scikit-learn."""

import torch
from torch import Tensor

from datamodules.base import Split
from datamodules.domains import DomainsDataModule, Source
from datamodules.sources import Images

FILES = {"A": "china.jpg", "B": "flower.jpg"}


def photograph(file: str, split: Split) -> Tensor:
    """The left three quarters of a photograph (train) or its right quarter (test): uint8, (3, height, width)."""
    from sklearn.datasets import load_sample_image

    photo = torch.from_numpy(load_sample_image(file).copy()).permute(2, 0, 1)
    border = photo.shape[2] * 3 // 4
    return (photo[..., :border] if split == "train" else photo[..., border:]).contiguous()


def patches(photos: Tensor, size: int) -> Tensor:
    """All patches of a grid over photos (n, channels, h, w): (m, channels, size, size), in a fixed mixed order."""
    grid = photos.unfold(2, size, size).unfold(3, size, size)
    grid = grid.permute(0, 2, 3, 1, 4, 5).flatten(0, 2)
    # Mixed, for the first rows of a photograph are all sky.
    return grid[torch.randperm(len(grid), generator=torch.Generator().manual_seed(0))]


class _Patches(DomainsDataModule):
    """Patches cut anywhere in whole photographs; what is shown and scored is a grid of them.

    Args:
        crop_size: side of a patch in pixels.
        epoch_size: patches that an epoch draws of each domain.
    """

    def __init__(self, *, crop_size: int = 64, epoch_size: int = 1000, **options):
        super().__init__(crop_size=crop_size, **options)
        if self.load_size is not None:
            raise ValueError(f"{self.name} are cut from photographs as they are: leave out load_size")
        self.epoch_size = epoch_size

    def shown(self, split: Split) -> dict[str, Source]:
        return {name: Images(patches(s.images, self.crop_size)) for name, s in self.sources(split).items()}

    def size(self, split: Split) -> int:
        return self.epoch_size if split == "train" else max(len(source) for source in self.shown(split).values())

    def describe(self) -> str:
        shapes = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in self.shape.items())
        pairs = ", in pairs" if self.aligned else ""
        return f"{self.name}: {self.epoch_size:,} patches of each domain an epoch, {shapes}{pairs}"


class Photos(_Patches):
    """A: a temple in China; B: a flower. Training cuts patches anywhere in the left three quarters, the test set is a
    grid of patches of the right quarter."""

    name = "photos"

    def read(self, split: Split) -> dict[str, Source]:
        return {name: Images(photograph(file, split)[None]) for name, file in FILES.items()}


class Colours(_Patches):
    """Pairs from the same photographs: A in gray, B in colour."""

    name = "colours"
    aligned = True

    def read(self, split: Split) -> dict[str, Source]:
        photos = torch.stack([photograph(file, split) for file in FILES.values()])
        # Luma of ITU-R 601, as Pillow's mode L.
        weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
        gray = (photos.float() * weights).sum(1, keepdim=True).round().to(torch.uint8)
        return {"A": Images(gray), "B": Images(photos)}
