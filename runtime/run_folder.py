"""One folder per run, made once and never written over."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runtime.names import UsageError, model_name

#: Tells processes that a launcher starts for the same run which folder the first one claimed.
RUN_FOLDER_VARIABLE = "LIGHTNING_GAN_RUN_FOLDER"


@dataclass
class RunOptions:
    """Where a run writes, and who is told.

    Args:
        out: folder of all run folders.
        name: name of the run folder, in place of a counter.
        wandb: W&B online, offline or off; auto: online if a key is configured, else offline.
        project: W&B's project.
        group: W&B's group, for runs that belong together.
        tensorboard: write TensorBoard's event files too (needs the package tensorboard).
        checkpoint_every: generator steps between two writes of checkpoints/last.ckpt.
        threads: CPU threads that torch computes with; None: its own choice, one for each core. Networks as small as
            those of the small experiments gain nothing from a second one, and lose much where cores are shared.
    """

    out: str = "runs"
    name: str | None = None
    wandb: Literal["auto", "online", "offline", "off"] = "auto"
    project: str = "lightning-gan"
    group: str | None = None
    tensorboard: bool = False
    checkpoint_every: int = 1000
    threads: int | None = None


def planned_folder(options: RunOptions, experiment: str, seed: int) -> Path:
    """The folder that a new run would get: ``out/experiment/NAME``, or the next free ``out/experiment/000-s0``.

    Raises:
        UsageError: the name is taken.
    """
    parent = Path(options.out) / experiment
    if options.name is not None:
        folder = parent / options.name
        if folder.exists():
            raise UsageError(f"{folder} exists: choose another --name, or go on with it by --resume {folder}")
        return folder
    taken = [int(path.name.split("-")[0]) for path in parent.glob("[0-9]*-s*") if path.name.split("-")[0].isdigit()]
    return parent / f"{max(taken, default=-1) + 1:03d}-s{seed}"


def claim_folder(options: RunOptions, experiment: str, seed: int) -> Path:
    """Make the folder of a new run; two runs that start at once get two folders.

    Raises:
        UsageError: the name is taken, or the folder cannot be written to.
    """
    if is_later_rank() and RUN_FOLDER_VARIABLE in os.environ:
        return Path(os.environ[RUN_FOLDER_VARIABLE])
    while True:
        folder = planned_folder(options, experiment, seed)
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
            break
        except FileExistsError:
            if options.name is not None or not folder.parent.is_dir():
                raise UsageError(f"cannot make the run folder {folder}: the name is taken") from None
        except OSError as error:
            raise UsageError(f"cannot make the run folder {folder} ({error.strerror}): choose another --out") from error
    os.environ[RUN_FOLDER_VARIABLE] = str(folder.resolve())
    return folder


def is_later_rank() -> bool:
    """Whether a launcher started this process as a rank after the first."""
    return any(int(os.environ.get(name, 0)) > 0 for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))


def _model_of(folder: Path) -> str | None:
    """The name of the model that a run folder's configuration trains."""
    config = folder / "config.yaml"
    named = re.search(r"^model:\n  class_path: (\S+)$", config.read_text() if config.is_file() else "", re.MULTILINE)
    return model_name(named[1]) if named else None


def resumed_folder(what: str, out: str = "runs", model: str | None = None) -> tuple[Path, Path]:
    """(run folder, checkpoint) that ``--resume`` means: ``last``, a run folder, or a checkpoint in one.

    Raises:
        UsageError: there is nothing to resume from.
    """
    if what == "last":
        found = sorted(Path(out).glob("*/*/checkpoints/last.ckpt"), key=lambda path: path.stat().st_mtime)
        found = [path for path in found if model in (None, _model_of(path.parent.parent))]
        if not found:
            raise UsageError(
                f"--resume last: no checkpoint in {out}/{f' of {model}' if model else ''}; start without it"
            )
        checkpoint = found[-1]
    else:
        checkpoint = Path(what) / "checkpoints" / "last.ckpt" if Path(what).is_dir() else Path(what)
        if not checkpoint.is_file():
            raise UsageError(f"--resume: no checkpoint {checkpoint}")
    folder = checkpoint.resolve().parent.parent
    if not (folder / "config.yaml").is_file():
        raise UsageError(f"--resume: {checkpoint} does not lie in a run folder with a config.yaml")
    return folder, checkpoint.resolve()
