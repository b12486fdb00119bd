"""The Frechet distance of two sets of images, by torchmetrics, on Inception's features (then it is FID) or others."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from metrics.features import FeaturesName, PixelFeatures

STATISTICS = ("real_features_sum", "real_features_cov_sum", "real_features_num_samples")


class _Features(nn.Module):
    """Features that were computed before, handed through."""

    def forward(self, features: Tensor) -> Tensor:
        return features


class FrechetDistance(nn.Module):
    """|mu_r - mu_f|^2 + tr(S_r + S_f - 2 (S_r S_f)^(1/2)) over features of real and generated images.

    The arithmetic and the sums are torchmetrics'; this fixes the protocol: Inception-v3 of 2015-12-05 with TensorFlow's
    bilinear resize (Heusel et al. 2017), gray tiled to three channels. On other features the value is no FID and is
    named so: ``name`` is ``fid`` or ``frechet_pixels``.

    Args:
        features: ``inception`` or ``pixels``.
        channels: of the images.
        weights: file of Inception's weights, in torch-fidelity's format.
        keep_features: keep every image's features, for ``kernel_distance``.
    """

    def __init__(
        self, features: FeaturesName, channels: int, weights: Path | None = None, *, keep_features: bool = False
    ):
        super().__init__()
        self.kernel_name = "kid" if features == "inception" else "kernel_pixels"
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
        self._kept: dict[bool, list[Tensor]] | None = {True: [], False: []} if keep_features else None
        if keep_features:
            self.metric.inception.register_forward_hook(self._keep)
        # torchmetrics sets it at the first update, which a process without a share of the images never has.
        self.metric.orig_dtype = torch.float32

    def update(self, images: Tensor, real: bool) -> None:
        """Add images, uint8, (n, channels, height, width)."""
        if self._inception and images.shape[1] == 1:
            images = images.expand(-1, 3, -1, -1)
        self._real = real
        self.metric.update(images, real=real)

    def compute(self) -> float:
        """The distance between all reals and all fakes seen since ``forget_fakes``."""
        return float(self.metric.compute())

    def _keep(self, network: nn.Module, inputs: tuple, features: Tensor) -> None:
        self._kept[self._real].append(features.detach().float().cpu())

    def kernel_distance(self) -> float:
        """KID (Binkowski et al. 2018) by torchmetrics: the unbiased polynomial-kernel MMD, which does not need more
        images than features. The mean over 100 subsets of 1 000, or one of all where there are fewer."""
        real, fake = (torch.cat(self._kept[kind]) for kind in (True, False))
        size = min(1000, len(real), len(fake))
        subsets = 1 if size == len(real) == len(fake) else 100
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it keeps all features, which is what was asked for
            metric = KernelInceptionDistance(_Features(), subsets=subsets, subset_size=size)
        metric.update(real, real=True)
        metric.update(fake, real=False)
        with torch.random.fork_rng(devices=[]):  # it draws its subsets from torch's default generator
            torch.manual_seed(0)
            return float(metric.compute()[0])

    def forget_fakes(self) -> None:
        """Start over with new fakes against the same reals."""
        self.metric.reset()
        if self._kept is not None:
            self._kept[False].clear()

    def statistics(self) -> dict[str, Tensor]:
        """The sums over the reals (and their features, where those are kept): all that has to be kept of them."""
        sums = {name: getattr(self.metric, name).cpu() for name in STATISTICS}
        return sums if self._kept is None else {**sums, "features": torch.cat(self._kept[True])}

    def load_statistics(self, statistics: dict[str, Tensor]) -> None:
        """Take up the sums of a set of reals instead of seeing it."""
        if self._kept is not None:
            self._kept[True] = [statistics["features"]]
        for name in STATISTICS:
            state = getattr(self.metric, name)
            setattr(self.metric, name, statistics[name].to(state.device, state.dtype))
