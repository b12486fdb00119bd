"""The longer help pages: the options of one model and its data, or all there are."""

import io
from contextlib import redirect_stdout

from runtime.cli import Parsed, class_parser


def page(args: list[str], everything: bool) -> str:
    """Options with their types, meanings and defaults; without any argument, all there are.

    Args:
        args: configurations and options that say which model and which data.
        everything: the Trainer's, the callbacks' and the run's options as well.
    """
    if everything:
        text = io.StringIO()
        try:
            with redirect_stdout(text):
                Parsed([*args, "--help"])
        except SystemExit:
            return text.getvalue()
    parsed = Parsed(args)
    sections = []
    for key, thing in (("model", parsed.model), ("data", parsed.datamodule)):
        lines = class_parser(type(thing), key).format_help().splitlines()
        # Every group offers a configuration file of its own, which --config does for all of them.
        lines = [line for line in lines if line.strip() != "usage:" and not line.startswith(f"  --{key} CONFIG")]
        sections.append("\n".join(lines).strip())
    sections.append("Short options: python train.py --help. Trainer, grids, FID, run folder: --help-all.")
    return "\n\n".join(sections)
