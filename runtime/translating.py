"""A folder of images through a translation model, to a folder of the same names."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TextIO

import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from callbacks.pictures import to_uint8
from datamodules.decode import read_image
from datamodules.folder import image_files
from datamodules.sources import normalised
from gan_modules.loading import load_model
from gan_modules.tiling import tiled
from gan_modules.translation import TranslationGAN
from runtime.names import UsageError

#: Suffixes that are kept; images of other formats get ``.png`` appended.
WRITTEN = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


def translate_files(
    checkpoint: str,
    input: str,
    output: str,
    direction: str | None,
    batch_size: int,
    tile: int | None,
    overlap: int,
    device: str,
    overwrite: bool,
    out: TextIO,
) -> int:
    """Translate every image; returns 1 if some could not be, else 0. Names what could not be and why.

    Raises:
        UsageError: nothing to do, or the model cannot do it.
    """
    try:
        model = load_model(checkpoint)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not isinstance(model, TranslationGAN):
        raise UsageError(
            f"{checkpoint} is a {type(model).__name__}, which translates nothing: give a CycleGAN or pix2pix"
        )
    direction = direction or model.directions[0]
    if direction not in model.directions:
        raise UsageError(f"{checkpoint} translates {' and '.join(model.directions)}, not {direction}")
    files = targets_of(Path(input), Path(output), overwrite)
    target = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    model.to(target)
    channels = model.shape[direction[0]][0]
    failed: list[str] = []
    with tqdm(total=len(files), unit="image", disable=None) as bar:
        for batch in batches(files, channels, batch_size, failed, bar):
            images = normalised(torch.stack([image for _, image in batch])).to(target)
            if tile is None:
                drawn = model.translate_any(images, direction)
            else:
                step = lambda part: model.translate_any(part, direction)
                drawn = torch.cat([tiled(step, image[None], tile, overlap) for image in images])
            for (path, _), picture in zip(batch, to_uint8(drawn).cpu(), strict=True):
                write(picture, path)
            bar.update(len(batch))
    for line in failed:
        print(f"not translated: {line}", file=out)
    print(f"{len(files) - len(failed)} of {len(files)} images translated {direction} to {output}/", file=out)
    return 1 if failed else 0


def targets_of(source: Path, output: Path, overwrite: bool) -> dict[Path, Path]:
    """Every image and the file that its translation goes to.

    Raises:
        UsageError: there is no image, or a file would be written over.
    """
    if not source.exists():
        raise UsageError(f"--input: no file or folder {source}")
    paths = image_files(source) if source.is_dir() else [source]
    if not paths:
        raise UsageError(f"--input: no images in {source}")
    base = source if source.is_dir() else source.parent
    if output.resolve() == base.resolve():
        raise UsageError("--output is the folder of the input: choose another, so that no photo is written over")
    targets = {}
    for path in paths:
        target = output / path.relative_to(base)
        kept = target.suffix.lower() in WRITTEN
        targets[path] = target if kept else target.with_name(target.name + ".png")
    there = [target for target in targets.values() if target.exists()]
    if there and not overwrite:
        raise UsageError(f"--output: {there[0]} is there already: choose another folder, or add --overwrite")
    return targets


def batches(
    files: dict[Path, Path], channels: int, batch_size: int, failed: list[str], bar: tqdm
) -> Iterator[list[tuple[Path, Tensor]]]:
    """(target, uint8 image) in batches of one size; files that cannot be read are added to ``failed``."""

    def images() -> Iterator[tuple[Path, Tensor]]:
        for source, target in files.items():
            try:
                yield target, read_image(source, channels, None)
            except ValueError as error:
                failed.append(str(error))
                bar.update(1)

    for _, same in groupby(images(), key=lambda item: item[1].shape):
        batch: list[tuple[Path, Tensor]] = []
        for item in same:
            batch.append(item)
            if len(batch) == batch_size:
                yield batch
                batch = []
        if batch:
            yield batch


def write(picture: Tensor, path: Path) -> None:
    """A uint8 image (channels, h, w) to a file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture[0].numpy() if len(picture) == 1 else picture.permute(1, 2, 0).numpy())
    unfinished = path.with_name(f".{path.name}.part")
    quality = {"quality": 95} if path.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}
    image.save(unfinished, format=Image.registered_extensions()[path.suffix.lower()], **quality)
    unfinished.replace(path)
