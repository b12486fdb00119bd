"""Two domains with no download: patches of the two photographs that come with scikit-learn."""

import torch

from datamodules.base import Split
from datamodules.domains import DomainsDataModule, Source
from datamodules.sources import Images


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
        from sklearn.datasets import load_sample_image

        domains = {}
        for name, file in (("A", "china.jpg"), ("B", "flower.jpg")):
            photo = torch.from_numpy(load_sample_image(file).copy()).permute(2, 0, 1)
            border = photo.shape[2] * 3 // 4
            if split == "train":
                domains[name] = Images(photo[None, :, :, :border].contiguous())
            else:
                patches = photo[:, :, border:].unfold(1, self.crop_size, self.crop_size)
                patches = patches.unfold(2, self.crop_size, self.crop_size).permute(1, 2, 0, 3, 4).flatten(0, 1)
                domains[name] = Images(patches.contiguous())
        return domains

    def draws(self, source: Source) -> int:
        return self.epoch_size if len(source) == 1 else len(source)
