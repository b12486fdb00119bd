"""One training run, from typed options to a finished run folder."""

import logging
import os
from pathlib import Path
from typing import TextIO

import torch
from pytorch_lightning.utilities import rank_zero_only

from callbacks import FID
from datamodules import GANDataModule
from gan_modules.export import save_generator
from runtime.checkpoints import LastCheckpoint
from runtime.cli import Parsed
from runtime.loggers import make_loggers
from runtime.names import UsageError, model_name
from runtime.page import RunPage
from runtime.run_folder import claim_folder, planned_folder
from runtime.signals import GracefulStop

log = logging.getLogger(__name__)


def train(args: list[str], resume: tuple[Path, Path] | None, dry_run: bool, out: TextIO) -> int:
    """Train as the options say.

    Everything that can be wrong is found before the run folder is made: options, data, networks.

    Args:
        args: configurations and options, in order of rising precedence.
        resume: (run folder, checkpoint) to go on with; None for a new run.
        dry_run: say the plan and stop.
        out: where the plan and the results are printed.

    Returns:
        the exit status: 0, or 128 + the signal that stopped the run.

    Raises:
        UsageError: the options or the data cannot serve; the message is one line with the remedy.
    """
    logging.basicConfig(format="%(message)s")
    parsed = Parsed(args)
    if parsed.run.threads is not None:
        if parsed.run.threads < 1:
            raise UsageError("--run.threads must be 1 or more")
        torch.set_num_threads(parsed.run.threads)
    experiment = prepare(parsed)
    seed = parsed.config_init["seed_everything"]
    folder, checkpoint = resume or (planned_folder(parsed.run, experiment, seed), None)
    parsed.make_trainer(folder, [], [])  # for what it says about its options
    step = None if checkpoint is None else check_resume(parsed, checkpoint)
    if dry_run:
        print(plan(parsed, folder), file=out)
        return 0
    if resume is None:
        folder = claim_folder(parsed.run, experiment, seed)
    if rank_zero_only.rank == 0:
        print(plan(parsed, folder), file=out, flush=True)
        parsed.save_config(folder / "config.yaml")
    loggers = make_loggers(parsed.run, folder, parsed.plain_config(), step) if rank_zero_only.rank == 0 else []
    stop = GracefulStop()
    callbacks = [stop, RunPage(), LastCheckpoint(folder, parsed.run.checkpoint_every)]
    trainer = parsed.make_trainer(folder, loggers, callbacks)
    trainer.fit(parsed.model, datamodule=parsed.datamodule, ckpt_path=checkpoint, weights_only=True)
    if trainer.is_global_zero:
        save_generator(parsed.model, folder, step=trainer.global_step, data=parsed.datamodule.name)
        if stop.received is not None:
            print(f"stopped by signal {stop.received} after step {trainer.global_step}: --resume {folder}", file=out)
        print(results(folder, loggers), file=out, flush=True)
    return 0 if stop.received is None else 128 + stop.received


def check_resume(parsed: Parsed, checkpoint: Path) -> int:
    """The step that a checkpoint goes on from.

    Raises:
        UsageError: it is damaged, of another model, or as far as this run is to go.
    """
    try:
        contents = torch.load(checkpoint, map_location="meta", weights_only=True, mmap=True)
        step, saved = contents["global_step"], contents["state_dict"]
    except Exception as error:
        raise UsageError(f"{checkpoint} is no checkpoint that can be read ({type(error).__name__})") from error
    mine = parsed.model.state_dict()
    if {k: v.shape for k, v in saved.items()} != {k: v.shape for k, v in mine.items()}:
        raise UsageError(f"{checkpoint} holds other networks than its run's config.yaml: was that changed?")
    end = parsed.config_init["trainer"]["max_steps"]
    if 0 <= end <= step:
        raise UsageError(f"this run has reached step {step} of {end}: say how far to go on by --steps")
    return step


def prepare(parsed: Parsed) -> str:
    """Read the data and build the networks, so that what is wrong with them shows now; returns the experiment's name.

    Raises:
        UsageError: the data or the networks cannot serve.
    """
    model, data = parsed.model, parsed.datamodule
    try:
        if int(os.environ.get("LOCAL_RANK", 0)) == 0:
            data.prepare_data()
        data.setup("fit")
        data.check_for(model)
        model.fit_to(data)
        model.configure_model()
        settle_split(parsed.config_init["fid"], data)
    except (ValueError, OSError) as error:
        raise UsageError(str(error).replace("\n", " ")) from error
    name = model_name(parsed.config["model"]["class_path"])
    return f"{name}-{data.name}"


def settle_split(fid: FID, data: GANDataModule) -> None:
    """Score against the training images, and say so, where a preset names a test split that this data lacks."""
    if fid.every_n_steps and fid.split == "test":
        try:
            data.size("test")
        except ValueError as error:
            log.warning("scores: against the training images, for %s", error)
            fid.split = "train"


def plan(parsed: Parsed, folder: Path) -> str:
    """What is about to be trained on what, and where it goes."""
    model, data, trainer = parsed.model, parsed.datamodule, parsed.config_init["trainer"]
    sizes = {name: sum(p.numel() for p in getattr(model, name).parameters()) for name in ("generator", "discriminator")}
    length = (
        f"{trainer['max_steps']} generator steps" if trainer["max_steps"] >= 0 else f"{trainer['max_epochs']} epochs"
    )
    per_step = f"{model.n_critic} x {data.batch_size}" if model.n_critic > 1 else f"{data.batch_size}"
    rows = {
        "model": f"{type(model).__name__}, {getattr(model, 'networks', 'own')} networks: "
        + ", ".join(f"{name} {count:,} parameters" for name, count in sizes.items()),
        "data": data.describe(),
        "steps": f"{length}, each of {per_step} images",
        "device": f"{_device(trainer)}, seed {model.seed}",
        "writes": f"{folder}/",
    }
    return "\n".join(f"{name:<8}{text}" for name, text in rows.items())


def _device(trainer: dict) -> str:
    if trainer["accelerator"] == "cpu" or (trainer["accelerator"] == "auto" and not torch.cuda.is_available()):
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    return f"{trainer['accelerator']} x {trainer['devices']}"


def results(folder: Path, loggers: list) -> str:
    """Where the pictures, the curves and the checkpoints of a finished run are; W&B's record is closed."""
    samples = sorted((folder / "samples").glob("*_*.png"))
    checkpoints = [path for path in (folder / "checkpoints" / n for n in ("best.ckpt", "last.ckpt")) if path.is_file()]
    rows = [("picture", samples[-1] if samples else None), ("curves", folder / "index.html")]
    rows += [("checkpoint", path) for path in checkpoints]
    for logger in loggers:
        if hasattr(logger, "log_image"):
            run = logger.experiment
            run.finish()
            offline = Path(run.dir).parent
            rows.append(("W&B", f"offline; to upload it: wandb sync {_shown(offline)}" if run.offline else run.url))
    return "\n".join(f"{name:<12}{_shown(value)}" for name, value in rows if value)


def _shown(value) -> str:
    """A path as it can be typed from here; other text as it is."""
    if isinstance(value, Path) and value.is_absolute() and value.is_relative_to(Path.cwd()):
        return str(value.relative_to(Path.cwd()))
    return str(value)
