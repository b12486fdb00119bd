"""The Frechet distance of two sets of images, by torchmetrics, on Inception's features (then it is FID) or others."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from metrics.features import FeaturesName, PixelFeatures

STATISTICS = ("real_features_sum", "real_features_cov_sum", "real_features_num_samples")


class FrechetDistance(nn.Module):
    """|mu_r - mu_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)) over features of real and generated images.

    The arithmetic and the sums are torchmetrics'; this fixes the protocol: Inception-v3 of 2015-12-05 with TensorFlow's
    bilinear resize (Heusel et al. 2017), gray tiled to three channels. On other features the value is no FID and is
    named so: ``name`` is ``fid`` or ``frechet_pixels``.

    Args:
        features: ``inception`` or ``pixels``.
        channels: of the images.
        weights: file of Inception's weights, in torch-fidelity's format.
    """

    def __init__(self, features: FeaturesName, channels: int, weights: Path | None = None):
        super().__init__()
        self.name = "fid" if features == "inception" else "frechet_pixels"
        self._inception = features == "inception"
        network = 2048 if self._inception else PixelFeatures(channels)
        self.metric = FrechetInceptionDistance(
            network,
            reset_real_features=False,
            # torchmetrics antialiases by default, which the published numbers did not.
            antialias=False,
            feature_extractor_weights_path=None if weights is None else str(weights),
        )

        # torchmetrics sets it at the first update, which a process without a share of the images never has.
        self.metric.orig_dtype = torch.float32

    def update(self, images: Tensor, real: bool) -> None:
        """Add images, uint8, (n, channels, height, width)."""
        if self._inception and images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        self.metric.update(images, real=real)

    def compute(self) -> float:
        """The distance between all reals and all fakes seen since ``forget_fakes``."""
        return float(self.metric.compute())

    def forget_fakes(self) -> None:
        """Start over with new fakes against the same reals."""
        self.metric.reset()

    def statistics(self) -> dict[str, Tensor]:
        """The sums over the reals, which are all that has to be kept of them."""
        return {name: getattr(self.metric, name).cpu() for name in STATISTICS}

    def load_statistics(self, statistics: dict[str, Tensor]) -> None:
        """Take up the sums of a set of reals instead of seeing it."""
        for name in STATISTICS:
            state = getattr(self.metric, name)
            setattr(self.metric, name, statistics[name].to(state.device, state.dtype))
