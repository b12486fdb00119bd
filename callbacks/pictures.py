"""Tensors to pictures, and pictures to whatever loggers there are."""

from collections.abc import Iterable, Sequence

import torch
from PIL import Image
from pytorch_lightning.loggers import Logger
from torch import Tensor
from torchvision.utils import make_grid

#: Samples are enlarged by a whole factor to about this many pixels, so that an 8x8 digit can be seen.
TILE = 64


def to_uint8(images: Tensor) -> Tensor:
    """Images in [-1, 1] to uint8 in 0..255, rounded, values outside clipped; any shape."""
    return ((images.float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def to_grid(images: Tensor, columns: int) -> Image.Image:
    """One picture of images (n, channels, height, width) in [-1, 1], row by row."""
    pixels = to_uint8(images).cpu()
    factor = max(1, round(TILE / max(pixels.shape[2:])))
    pixels = pixels.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return Image.fromarray(make_grid(pixels, nrow=columns, padding=2, pad_value=255).permute(1, 2, 0).numpy())


def to_panel(pictures: dict[str, Tensor], names: Sequence[str], columns: int) -> Image.Image:
    """A grid of one named tensor, or several side by side: one datum to a row, one name to a column."""
    if len(names) == 1:
        return to_grid(pictures[names[0]], columns)
    channels = max(pictures[name].shape[1] for name in names)
    rows = torch.stack([pictures[name].expand(-1, channels, -1, -1) for name in names], dim=1)
    return to_grid(rows.flatten(0, 1), len(names))


def send(loggers: Iterable[Logger], name: str, picture: Image.Image, step: int, caption: str) -> None:
    """Give a picture to every logger that takes pictures."""
    for logger in loggers:
        if hasattr(logger, "log_image"):  # W&B; a PIL picture, for it draws float tensors black
            logger.log_image(key=name, images=[picture], step=step, caption=[caption])
        elif hasattr(logger.experiment, "add_image"):  # TensorBoard
            pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
            logger.experiment.add_image(name, pixels.view(picture.height, picture.width, -1), step, dataformats="HWC")
