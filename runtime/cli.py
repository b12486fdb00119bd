"""The typed command line: LightningCLI with two players' options, our callbacks, and errors of one line."""

import logging
import warnings
from argparse import ArgumentError
from pathlib import Path

import yaml
from jsonargparse import ArgumentParser
from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningCLI
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks import FID, SampleGrid, Throughput
from datamodules import GANDataModule
from gan_modules import GANModule
from runtime.explain import explain
from runtime.names import UsageError
from runtime.run_folder import RunOptions

#: What this framework asks of Lightning's Trainer in place of its defaults.
TRAINER_DEFAULTS = {
    "max_epochs": -1,
    "max_steps": 10_000,
    "devices": 1,
    "log_every_n_steps": 50,
    "enable_model_summary": False,  # the plan says it
    "enable_checkpointing": True,
    "use_distributed_sampler": False,  # the step sampler knows the ranks
    "logger": False,  # made with the run folder
}


class Parsed(LightningCLI):
    """A command line, parsed and typed, with the model and the data made; the trainer comes with the run folder.

    Args:
        args: options and configurations, in order of rising precedence.

    Raises:
        UsageError: an option is unknown or has a wrong value.
    """

    def __init__(self, args: list[str]):
        quieten()
        try:
            super().__init__(
                GANModule,
                GANDataModule,
                save_config_callback=None,
                trainer_defaults=TRAINER_DEFAULTS,
                seed_everything_default=0,
                # Abbreviations would let --trainer.max_epoch through, silently.
                parser_kwargs={"exit_on_error": False, "allow_abbrev": False, "description": None},
                subclass_mode_model=True,
                subclass_mode_data=True,
                args=args,
                run=False,
                auto_configure_optimizers=False,
                # The models keep their own options; Lightning's way would leave out those of the base classes.
                load_from_checkpoint_support=False,
            )
        except ArgumentError as error:
            raise UsageError(explain(error.message, self._option_names)) from error
        except (ValueError, MisconfigurationException) as error:
            raise UsageError(explain(str(error))) from error

    def add_arguments_to_parser(self, parser) -> None:
        parser.add_lightning_class_args(SampleGrid, "samples")
        parser.add_lightning_class_args(FID, "fid")
        parser.add_lightning_class_args(Throughput, "progress")
        parser.add_class_arguments(RunOptions, "run")
        parser.link_arguments("seed_everything", "model.init_args.seed")
        parser.link_arguments("seed_everything", "data.init_args.seed")

    def parse_arguments(self, parser, args) -> None:
        with warnings.catch_warnings():
            # Lightning warns that sys.argv is not what is parsed; it must stay as it is for the ranks that DDP starts.
            warnings.simplefilter("ignore")
            super().parse_arguments(parser, args)

    def instantiate_trainer(self, **kwargs) -> None:
        """Nothing yet: a trainer needs its run folder, and that is claimed only when all else is known to be right."""

    def make_trainer(self, folder: Path, loggers: list, callbacks: list) -> Trainer:
        """The trainer of a run that writes into ``folder``."""
        own = self.config_init["trainer"]
        own = {**own, "logger": loggers + _as_list(own.get("logger")), "callbacks": _as_list(own.get("callbacks"))}
        own["callbacks"] = own["callbacks"] + callbacks
        if own["log_every_n_steps"] is not None and own["log_every_n_steps"] < 1:
            raise UsageError("--trainer.log_every_n_steps must be 1 or more")
        if own["gradient_clip_val"] or own["accumulate_grad_batches"] != 1:
            raise UsageError("--trainer.gradient_clip_val and accumulate_grad_batches do not apply to two players")
        if own["strategy"] == "auto" and str(own["devices"]) not in ("1", "auto"):
            # Either player's parameters are unused in the other's step.
            own["strategy"] = "ddp_find_unused_parameters_true"
        watchers = [self.config_init[key] for key in self.parser.callback_keys]
        try:
            return self._instantiate_trainer({**own, "default_root_dir": str(folder)}, watchers)
        except (ValueError, MisconfigurationException) as error:
            raise UsageError(explain(str(error))) from error

    @property
    def run(self) -> RunOptions:
        return self.config_init["run"]

    def plain_config(self) -> dict:
        """The resolved configuration as plain dicts, lists and scalars."""
        return yaml.safe_load(self.parser.dump(self.config, skip_none=False))

    def save_config(self, path: Path) -> None:
        """Write the resolved configuration, which alone re-creates the run."""
        config = self.config.clone()
        config["run"]["name"] = None  # a run that repeats this one gets a folder of its own
        unfinished = path.with_suffix(".part")
        self.parser.save(config, str(unfinished), skip_none=False, overwrite=True, multifile=False)
        unfinished.replace(path)

    def _option_names(self, class_path: str | None) -> list[str]:
        """All dotted options: those of one class, or those of the trainer, the callbacks and every class."""
        bases = {"model": GANModule, "data": GANDataModule}
        names = [] if class_path else [action.dest for action in self.parser._actions]
        for key, base in bases.items():
            for cls in _subclasses(base):
                if class_path in (None, f"{cls.__module__.split('.')[0]}.{cls.__name__}"):
                    names += [f"{key}.{action.dest}" for action in class_parser(cls)._actions]
        return names


def class_parser(cls: type, key: str | None = None) -> ArgumentParser:
    """A parser of one class's options, for their names and their help."""
    parser = ArgumentParser(exit_on_error=False, add_help=False, usage="")
    parser.add_class_arguments(cls, key, fail_untyped=False)
    return parser


def quieten() -> None:
    """Leave out what Lightning says about itself; what this framework has to say goes through its own loggers."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    hushed = (
        "does not have many workers",
        "Checkpoint directory.*exists",
        "smaller than the logging interval",
        "treespec",
    )
    hushed += ("dataloader is not resumable",)  # the step sampler is, without a state of its own
    hushed += ("no pre-optimization state was saved",)  # nothing here is saved before a step
    for pattern in (f".*{text}.*" for text in hushed):
        warnings.filterwarnings("ignore", pattern)


def _as_list(value) -> list:
    if value is None or isinstance(value, bool):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _subclasses(base: type):
    for cls in base.__subclasses__():
        yield cls
        yield from _subclasses(cls)
