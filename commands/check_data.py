"""``check-data``: what a folder holds, and what training on it would say, before any training."""

import sys
from importlib import import_module

from commands.translate import Parser
from runtime.names import UsageError


def main(argv: list[str]) -> int:
    """Print the table of a folder; returns 1 if training would refuse a file, else 0."""
    parser = Parser(prog="train.py check-data", description=__doc__.split(": ", 1)[1], allow_abbrev=False)
    parser.add_argument("folder", help="a folder of images, or of two domains")
    options = parser.parse_args(argv)
    try:
        return import_module("runtime.checking").check_folder(options.folder, sys.stdout)
    except ValueError as error:
        raise UsageError(str(error)) from error
