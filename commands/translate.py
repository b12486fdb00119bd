"""``translate``: photos from one domain into another, by a trained CycleGAN or pix2pix."""

import argparse
import sys
from importlib import import_module

from runtime.names import UsageError


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line."""

    def error(self, message: str):
        raise UsageError(f"{self.prog.split()[-1]}: {message}")


def main(argv: list[str]) -> int:
    """Translate as the command line says; returns the exit status."""
    parser = Parser(prog="train.py translate", description=__doc__.split(": ", 1)[1], allow_abbrev=False)
    parser.add_argument("--checkpoint", required=True, help="a run folder, or a checkpoint")
    parser.add_argument("--input", required=True, help="an image, or a folder with images and sub-folders")
    parser.add_argument("--output", required=True, help="folder for the translations; names and sub-folders are kept")
    parser.add_argument("--direction", choices=["AtoB", "BtoA"], help="default: the model's first")
    parser.add_argument("--batch-size", type=int, default=1, help="images of one size at a time (1)")
    parser.add_argument("--tile", type=int, help="translate in tiles of this many pixels, for large photos")
    parser.add_argument("--overlap", type=int, default=32, help="pixels that neighbouring tiles share (32)")
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto")
    parser.add_argument("--overwrite", action="store_true", help="replace images that are in the output folder already")
    options = parser.parse_args(argv)
    if options.batch_size < 1:
        raise UsageError("translate: --batch-size must be 1 or more")
    if options.tile is not None and not 0 <= options.overlap < options.tile:
        raise UsageError("translate: --overlap must be 0 or more and less than --tile")
    work = import_module("runtime.translating")  # torch from here on
    return work.translate_files(**vars(options), out=sys.stdout)
