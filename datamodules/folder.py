"""Any folder of images."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from datamodules.base import Split
from datamodules.decode import is_image_name, probe
from datamodules.images import ImageDataModule
from datamodules.sources import Files


def image_files(folder: Path) -> list[Path]:
    """All image files below ``folder``, by name, in a fixed order; hidden files and folders are passed over."""
    found = (path for path in folder.rglob("*") if is_image_name(path) and path.is_file())
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(folder).parts))


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
    """Images below a folder: ``DIR/**/*.png``, labelled by sub-folder when every image lies in one of two or more.

    ``DIR/train`` and ``DIR/test`` (or ``DIR/val``) are the splits; without a ``train`` all images are training images.

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
        channels = self.channels if split == "train" else self.shape[0]
        return files_of(paths, self._labels(folder, paths), self.image_size, channels)

    def _folder_of(self, split: Split) -> Path:
        if not self.folder.is_dir():
            raise ValueError(f"no folder {self.folder}")
        if split == "train":
            return self.folder / "train" if (self.folder / "train").is_dir() else self.folder
        test = next((self.folder / name for name in ("test", "val") if (self.folder / name).is_dir()), None)
        if test is None or not (self.folder / "train").is_dir():
            raise ValueError(f"{self.folder} has no test split: make {self.folder}/train and {self.folder}/test")
        return test

    def _labels(self, folder: Path, paths: list[Path]) -> torch.Tensor | None:
        """The position of each image's sub-folder among those of the training images; None without classes."""
        names = class_names(self._folder_of("train"))
        if names is None:
            return None
        labels = []
        for path in paths:
            name = path.relative_to(folder).parts[0]
            if name not in names:
                raise ValueError(f"{path} is of a class that the training images do not have ({', '.join(names)})")
            labels.append(names.index(name))
        return torch.tensor(labels)


def class_names(folder: Path) -> list[str] | None:
    """The sub-folders, when there are two or more and every image lies in one."""
    parts = [path.relative_to(folder).parts for path in image_files(folder)]
    names = sorted({part[0] for part in parts})
    return names if len(names) >= 2 and all(len(part) > 1 for part in parts) else None
