"""Large images through a network in tiles that overlap and are blended."""

from collections.abc import Callable

import torch
from torch import Tensor


def tiled(function: Callable[[Tensor], Tensor], image: Tensor, tile: int, overlap: int) -> Tensor:
    """``function`` of an image (1, channels, h, w), tile by tile, blended linearly where tiles overlap.

    Memory grows with the image by its pixels alone.

    Args:
        function: images to images of the same height and width.
        tile: side of a tile in pixels.
        overlap: pixels that neighbours share, less than ``tile``.

    Raises:
        ValueError: tiles do not overlap as asked.
    """
    if not 0 <= overlap < tile:
        raise ValueError(f"overlap must be 0 or more and less than the tile's {tile} pixels, got {overlap}")
    height, width = image.shape[2:]
    total, weights = None, torch.zeros((1, 1, height, width))
    for y in _starts(height, tile, overlap):
        for x in _starts(width, tile, overlap):
            part = (..., slice(y, min(y + tile, height)), slice(x, min(x + tile, width)))
            drawn = function(image[part]).cpu()
            ramp = _ramp(drawn.shape[2], overlap)[:, None] * _ramp(drawn.shape[3], overlap)
            if total is None:
                total = torch.zeros((1, drawn.shape[1], height, width))
            total[part] += drawn * ramp
            weights[part] += ramp
    return total / weights


def _starts(length: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin: evenly by the stride, and the last one at the border."""
    last = max(0, length - tile)
    return [*range(0, last, tile - overlap), last]


def _ramp(length: int, overlap: int) -> Tensor:
    """Weights along one side: rising over ``overlap`` pixels, 1 in the middle, falling; never 0."""
    distance = torch.minimum(torch.arange(1, length + 1), torch.arange(length, 0, -1))
    return (distance / (overlap + 1)).clamp(max=1.0)
