"""CelebA: 202 599 photographs of faces (Liu et al. 2015)."""

from pathlib import Path

import torchvision

from datamodules.base import Split
from datamodules.folder import Folder


class CelebA(Folder):
    """Aligned faces, cut square around the centre and brought to ``image_size``.

    Any folder of its images serves (``folder``); otherwise they are looked for under ``root/celeba/img_align_celeba``,
    where torchvision's download puts them.
    """

    name = "celeba"

    def __init__(self, folder: str | None = None, root: str = "data", image_size: int | None = 64, **options):
        self._given = folder is not None
        super().__init__(
            folder or str(Path(root) / "celeba" / "img_align_celeba"), image_size=image_size, root=root, **options
        )

    def prepare_data(self) -> None:
        """Download by torchvision what is not there yet.

        Raises:
            ValueError: it is not there and cannot be had.
        """
        if self._given or self.folder.is_dir():
            return
        try:
            torchvision.datasets.CelebA(self.root, split="all", download=True)
        except Exception as error:
            raise ValueError(
                f"celeba is not in {self.folder} and could not be downloaded ({str(error).splitlines()[0]}): "
                "download img_align_celeba.zip by hand, unpack it and give --data.folder"
            ) from error

    def read(self, split: Split):
        if split != "train":
            raise ValueError("celeba is used whole, as in the DCGAN paper: it has no test split here")
        return super().read(split)
