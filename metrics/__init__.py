"""How good a generator is: functions of features and samples, and thin shells around torchmetrics."""

from metrics.features import PixelFeatures
from metrics.frechet import FrechetDistance

__all__ = ["FrechetDistance", "PixelFeatures"]
