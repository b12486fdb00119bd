"""What watches a training: grids of samples, scores, speed."""

from callbacks.fid import FID
from callbacks.sample_grid import SampleGrid
from callbacks.throughput import Throughput

__all__ = ["FID", "SampleGrid", "Throughput"]
