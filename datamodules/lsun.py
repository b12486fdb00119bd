"""LSUN: millions of photographs of scenes, by category (Yu et al. 2015)."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from datamodules.base import Split
from datamodules.folder import Folder


class _Database:
    """An LSUN category in its LMDB, with the face of ``sources.Files``."""

    labels = None

    def __init__(self, root: str, category: str, size: int):
        self.path, self.size = Path(root) / f"{category}_train_lmdb", (size, size)
        with self._open() as database, database.begin() as transaction:
            self.keys = list(transaction.cursor().iternext(keys=True, values=False))

    def _open(self):
        import lmdb

        return lmdb.open(str(self.path), readonly=True, lock=False, readahead=False, meminit=False)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def shape(self) -> tuple[int, int, int]:
        return 3, *self.size

    def gather(self, index: Tensor) -> dict[str, Tensor]:
        # Opened for each minibatch, for an open environment must not be carried into a loader's worker.
        with self._open() as database, database.begin() as transaction:
            packed = [transaction.get(self.keys[i]) for i in index.tolist()]
        return {"x": torch.stack([self._decode(content) for content in packed])}

    def _decode(self, packed: bytes) -> Tensor:
        image = Image.open(io.BytesIO(packed)).convert("RGB")
        return torch.from_numpy(np.array(ImageOps.fit(image, self.size, Image.Resampling.BICUBIC))).permute(2, 0, 1)

    def fingerprint(self) -> str:
        return f"{self.path.resolve()}|{len(self)}|{self.size[0]}"


class LSUN(Folder):
    """One LSUN category at ``image_size``: a plain folder of its images (``folder``), or LSUN's own LMDB under root.

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
