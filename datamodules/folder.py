"""Any folder of images."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from datamodules.base import Split
from datamodules.decode import is_image_name, probe
from datamodules.images import ImageDataModule
from datamodules.sources import Files


def image_files(folder: Path) -> list[Path]:
    """All image files below ``folder``, by name, in a fixed order."""
    return sorted(path for path in folder.rglob("*") if is_image_name(path) and path.is_file())


def files_of(
    paths: list[Path],
    labels: torch.Tensor | None,
    image_size: int | None,
    channels: int | None,
    *,
    stretch: bool = False,
    option: str = "image_size",
) -> Files:
    """Check every file's header and settle the channels and the size that all are brought to.

    Raises:
        ValueError: a file is no image, or sizes differ and no ``image_size`` was given.
    """
    with ThreadPoolExecutor() as pool:
        headers = list(pool.map(probe, paths))
    if channels is None:
        channels = max(header[0] for header in headers)
    if image_size is not None:
        return Files(paths, labels, channels, (image_size, image_size), stretch)
    size = headers[0][1]
    for path, (_, other) in zip(paths, headers, strict=True):
        if other != size:
            raise ValueError(
                f"images differ in size: {paths[0]} is {size[1]}x{size[0]} and {path} is {other[1]}x{other[0]}: "
                f"set --data.{option}"
            )
    return Files(paths, labels, channels, size, stretch)


class Folder(ImageDataModule):
    """Images below a folder: ``DIR/**/*.png``, labelled by sub-folder when every image lies in one.

    ``DIR/train`` and ``DIR/test`` (or ``DIR/val``) are the splits when both are there; otherwise all images are
    training images.

    Args:
        folder: the folder.
        channels: 1 for gray, 3 for colour; None: gray when every image is.
    """

    def __init__(self, folder: str, image_size: int | None = None, channels: int | None = None, **options):
        super().__init__(image_size=image_size, **options)
        if channels not in (None, 1, 3):
            raise ValueError(f"channels must be 1 or 3, got {channels}")
        self.folder, self.channels = Path(folder), channels

    @property
    def name(self) -> str:
        return self.folder.resolve().name or "folder"

    def read(self, split: Split) -> Files:
        folder = self._folder_of(split)
        paths = image_files(folder)
        if not paths:
            raise ValueError(f"no images in {folder} (looked for .png, .jpg, .webp, ... there and below)")
        return files_of(paths, self._labels(folder, paths), self.image_size, self.channels)

    def _folder_of(self, split: Split) -> Path:
        if not self.folder.is_dir():
            raise ValueError(f"no folder {self.folder}")
        test = next((self.folder / name for name in ("test", "val") if (self.folder / name).is_dir()), None)
        if test is None or not (self.folder / "train").is_dir():
            if split == "train":
                return self.folder
            raise ValueError(f"{self.folder} has no test split: make {self.folder}/train and {self.folder}/test")
        return self.folder / "train" if split == "train" else test

    @staticmethod
    def _labels(folder: Path, paths: Iterable[Path]) -> torch.Tensor | None:
        """The position of each image's sub-folder among all, or None when some image lies in no sub-folder."""
        tops = [path.relative_to(folder).parts for path in paths]
        names = sorted({parts[0] for parts in tops if len(parts) > 1})
        if len(names) < 2 or any(len(parts) == 1 for parts in tops):
            return None
        return torch.tensor([names.index(parts[0]) for parts in tops])
