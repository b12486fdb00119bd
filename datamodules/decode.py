"""Image files to uint8 tensors, with one stated policy for each odd kind of image."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

SUFFIXES = frozenset(
    {*(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".avif", ".bmp"), *(".gif", ".tif", ".tiff", ".tga", ".jp2")}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)


def is_image_name(path: Path) -> bool:
    """Whether a file counts as an image by its name; hidden files (``.DS_Store``, ``._a.png``) never do."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def probe(path: Path) -> tuple[int, tuple[int, int]]:
    """(natural channels, (height, width)) from the header alone: 1 for gray images, 3 for all others.

    Raises:
        ValueError: not a readable image; the message names the file.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            # EXIF orientations 5 to 8 are quarter turns.
            tagged = image.format != "PNG" or "exif" in image.info  # for a PNG, getexif decodes the whole image
            turned = tagged and image.getexif().get(0x0112, 1) >= 5
            gray = image.mode in ("1", "L", "LA") or image.mode[0] in "IF"
            return (1 if gray else 3), ((width, height) if turned else (height, width))
    except Exception as error:
        raise ValueError(f"{path} is not a readable image ({_reason(error)}): repair or remove it") from error


def read_image(path: Path, channels: int, size: tuple[int, int] | None, stretch: bool = False) -> Tensor:
    """One image as uint8, shape (channels, \\*size): turned upright by EXIF, the first frame, no transparency.

    Transparent pixels are laid on white; 16-bit gray is scaled to 8 bits. The shorter side is brought to ``size`` by a
    bicubic filter and the centre is cut out; with ``stretch`` both sides are brought to it. None: the size it has.

    Raises:
        ValueError: the file cannot be decoded; the message names it.
    """
    try:
        with Image.open(path) as image:
            image = _plain(ImageOps.exif_transpose(image)).convert("L" if channels == 1 else "RGB")
            if size is not None and image.size != size[::-1]:
                resize = image.resize if stretch else partial(ImageOps.fit, image)
                image = resize(size[::-1], Image.Resampling.BICUBIC)
            array = np.array(image)
    except Exception as error:
        raise ValueError(f"{path} cannot be read ({_reason(error)}): repair or remove it") from error
    return torch.from_numpy(array if array.ndim == 3 else array[..., None]).permute(2, 0, 1).contiguous()


def _plain(image: Image.Image) -> Image.Image:
    """The image in a mode that converts to L or RGB without surprise."""
    if image.mode.startswith("I"):
        # Pillow's own conversion of 16 bits clips at 255 and paints everything white.
        deep = np.asarray(image, dtype=np.float64)
        return Image.fromarray((deep / 257).round().clip(0, 255).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("floating-point pixels have no agreed range; convert them to 8 bits")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image


def _reason(error: Exception) -> str:
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    return "no image format recognised" if message.startswith("cannot identify image file") else message
