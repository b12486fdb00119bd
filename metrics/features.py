"""Networks whose features a Frechet distance compares, by name, and where their weights are found."""

import hashlib
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

FeaturesName = Literal["inception", "pixels"]
#: The file that torch-fidelity downloads and looks for: Inception-v3 of 2015-12-05, as TensorFlow's FID used it.
INCEPTION_FILE = "weights-inception-2015-12-05-6726825d.pth"


class PixelFeatures(nn.Module):
    """Images (n, c, h, w), uint8, to their 8x8 averages in [0, 1], (n, 64 c): features that need no network."""

    def __init__(self, channels: int, side: int = 8):
        super().__init__()
        self.side, self.num_features = side, channels * side * side

    def forward(self, images: Tensor) -> Tensor:
        return adaptive_avg_pool2d(images.double() / 255, self.side).flatten(1)


def find_inception(weights: str | None = None) -> Path | None:
    """The file of Inception's weights: the given one, or torch's cache of downloads; None if there is none yet.

    Raises:
        ValueError: a file was given and is not there.
    """
    if weights is not None:
        if not Path(weights).is_file():
            raise ValueError(f"no file {weights}: give the path of {INCEPTION_FILE} by --fid.weights")
        return Path(weights)
    cached = Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION_FILE
    return cached if cached.is_file() else None


def download_inception() -> Path:
    """Fetch Inception's weights (91 MiB) into torch's cache, once.

    Raises:
        ValueError: torch-fidelity is missing, or the download failed; the message gives the remedy.
    """
    remedy = f"give a copy of {INCEPTION_FILE} by --fid.weights FILE, or use --fid.features pixels"
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
    except ImportError as error:
        raise ValueError(f"FID needs the package torch-fidelity: pip install torch-fidelity; or {remedy}") from error
    target = Path(torch.hub.get_dir()) / "checkpoints" / INCEPTION_FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(URL_INCEPTION_V3, str(target), hash_prefix="6726825d", progress=True)
    except Exception as error:
        raise ValueError(f"Inception's weights could not be downloaded ({error}): {remedy}") from error
    return target


def file_hash(path: Path) -> str:
    """Sixteen hexadecimal digits of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
