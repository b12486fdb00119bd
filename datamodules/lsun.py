"""LSUN: millions of photographs of scenes, by category (Yu et al. 2015)."""

import os
from pathlib import Path

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps
from torch import Tensor

from datamodules.base import Split
from datamodules.folder import Folder


class _Database:
    """An LSUN category in its LMDB, with the face of ``sources.Files``."""

    channels, labels = 3, None

    def __init__(self, root: str, category: str, size: int):
        self.root, self.category, self.size = root, category, (size, size)
        self._opened: tuple[int, torchvision.datasets.LSUN] | None = None
        self._length = len(self._dataset())

    def _dataset(self) -> torchvision.datasets.LSUN:
        # An LMDB environment must not be carried across a fork into a loader's worker.
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), torchvision.datasets.LSUN(self.root, classes=[f"{self.category}_train"])
        return self._opened[1]

    def __len__(self) -> int:
        return self._length

    def gather(self, index: Tensor) -> dict[str, Tensor]:
        dataset = self._dataset()
        images = (ImageOps.fit(dataset[i][0], self.size, Image.Resampling.BICUBIC) for i in index.tolist())
        return {"x": torch.stack([torch.from_numpy(np.array(image)).permute(2, 0, 1) for image in images])}

    def fingerprint(self) -> str:
        return f"lsun-{self.category}-{len(self)}-{self.size[0]}"


class LSUN(Folder):
    """One LSUN category at ``image_size``: a plain folder of its images (``folder``), or torchvision's LMDB under root.

    Args:
        category: as LSUN names it, e.g. ``bedroom`` (read from ``root/bedroom_train_lmdb``, with the package lmdb).
    """

    def __init__(
        self,
        folder: str | None = None,
        category: str = "bedroom",
        root: str = "data",
        image_size: int | None = 64,
        **options,
    ):
        self._given = folder is not None
        self.category = category
        super().__init__(
            folder or str(Path(root) / f"{category}_train_lmdb"), image_size=image_size, root=root, **options
        )

    @property
    def name(self) -> str:
        return f"lsun_{self.category}"

    def read(self, split: Split):
        if split != "train":
            raise ValueError("lsun has no test split here: use split train")
        if self._given:
            return super().read(split)
        if not self.folder.is_dir():
            raise ValueError(
                f"no {self.folder}: download LSUN's {self.category} with its own script, unpack it there, "
                "or give a folder of its images by --data.folder"
            )
        try:
            return _Database(self.root, self.category, self.image_size or 64)
        except ImportError as error:
            raise ValueError("LSUN's database needs the package lmdb: pip install lmdb") from error
