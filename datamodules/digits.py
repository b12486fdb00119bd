"""The 1 797 handwritten digits that come with scikit-learn (UCI Optical Recognition of Handwritten Digits, 8x8)."""

import torch

from datamodules.base import Split
from datamodules.images import ImageDataModule, resized
from datamodules.sources import Images


class Digits(ImageDataModule):
    """Real scans with no download: 1 797 gray digits of 10 classes, 8x8 pixels brought to ``image_size``."""

    name = "digits"

    def __init__(self, root: str = "data", batch_size: int = 64, image_size: int | None = 16, **options):
        super().__init__(root=root, batch_size=batch_size, image_size=image_size, **options)

    def read(self, split: Split) -> Images:
        if split != "train":
            raise ValueError("digits has no test split: use split train")
        from sklearn.datasets import load_digits

        data = load_digits()
        # 16 gray levels, 0 to 16.
        images = (torch.from_numpy(data.images)[:, None] * (255 / 16)).round().to(torch.uint8)
        return Images(resized(images, self.image_size), torch.from_numpy(data.target).long())
