"""The short options that people type daily, translated to the typed, dotted options behind them; no heavy imports."""

import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from runtime.names import UsageError, datasets, lookup, models, suggestion

#: Short options, what they stand for (``{}`` is the value), and their line in the help.
SHORT = {
    "--lr": (("--model.lr={}",), "learning rate of both players"),
    "--epochs": (("--trainer.max_epochs={}", "--trainer.max_steps=-1"), "passes over the data"),
    "--steps": (("--trainer.max_steps={}", "--trainer.max_epochs=-1"), "generator steps"),
    "--batch-size": (("--data.batch_size={}",), "images of one minibatch on one device"),
    "--workers": (("--data.workers={}",), "processes that decode image files"),
    "--gpus": (("--trainer.accelerator=gpu", "--trainer.devices={}"), "number of GPUs"),
    "--precision": (("--trainer.precision={}",), "32-true, bf16-mixed or 16-mixed"),
    "--seed": (("--seed_everything={}",), "of weights, noise and the order of the data"),
    "--direction": (("--model.direction={}",), "AtoB or BtoA, for pix2pix"),
    "--init-from": (("--model.init_from={}",), "weights of the CycleGAN/pix2pix repository (.pth, or their folder)"),
    "--name": (("--run.name={}",), "name of the run folder, in place of a counter"),
    "--out": (("--run.out={}",), "folder of all run folders (runs)"),
    "--wandb": (("--run.wandb={}",), "online, offline or off (online if a key is configured, else offline)"),
}
FLAGS = {
    "--dry-run": "print the plan and exit: networks, data, steps, devices, where it writes",
    "--help": "this page; with --model, all options of that model and its data",
    "--help-all": "every option, Lightning's Trainer included",
}
_VALUES = {
    "--model": "an experiment: {models}",
    "--data": "a data set, or a folder of images: {data}",
    "--resume": "last, a run folder or a checkpoint: go on with that run",
    "--config": "a YAML file over the preset, such as a run folder's config.yaml",
}


@dataclass
class Request:
    """A command line, understood as far as that goes without imports."""

    args: list[str] = field(default_factory=list)  # for the typed parser: configurations, then options
    options: list[str] = field(default_factory=list)  # the options alone
    model: str | None = None
    data: str | None = None
    resume: str | None = None
    flags: set[str] = field(default_factory=set)
    configs: list[str] = field(default_factory=list)

    @property
    def out(self) -> str:
        """The folder of all run folders."""
        given = [option.partition("=")[2] for option in self.options if option.startswith("--run.out=")]
        return given[-1] if given else "runs"


def understand(argv: list[str]) -> Request:
    """Translate a command line.

    Raises:
        UsageError: an unknown name, an option without its value, a word that is no option.
    """
    request = Request()
    words = iter(argv)
    for word in words:
        option, equals, value = word.partition("=")
        if option == "-h":
            option = "--help"
        if option in FLAGS and equals:
            raise UsageError(f"{option} takes no value: leave it out for no")
        if option in ("--model.seed", "--data.seed"):
            raise UsageError(f"{option} follows --seed: use that")
        if option in FLAGS:
            request.flags.add(option)
            continue
        if not option.startswith("-"):
            raise UsageError(f"'{word}' is not an option.{suggestion('--' + word, [*SHORT, *_VALUES, *FLAGS])}")
        if option not in SHORT and option not in _VALUES and "." not in option and option != "--seed_everything":
            raise UsageError(f"no option '{option}'.{suggestion(option, [*SHORT, *_VALUES, *FLAGS]) or ' See --help.'}")
        if not equals:
            value = next(words, None)
            if value is None or value.startswith("--"):
                raise UsageError(f"{option} needs a value")
        if option in SHORT:
            request.options += [template.format(value) for template in SHORT[option][0]]
        elif option == "--config":
            if not Path(value).is_file():
                raise UsageError(f"--config: no file {value}")
            request.configs.append(value)
        elif option in _VALUES:
            setattr(request, option[2:], value)
        else:
            request.options.append(f"{option}={value}")
    request.args = _layers(request) + request.options
    return request


def _layers(request: Request) -> list[str]:
    """The configurations under the options: the model's preset, the data, then the user's own files."""
    layers = []
    if request.model is not None:
        layers.append(f"--config={lookup('model', request.model, models())}")
    if request.data is not None and request.data in datasets():
        layers.append(f"--config={datasets()[request.data]}")
    layers += [f"--config={path}" for path in request.configs]
    if request.data is not None and request.data not in datasets():
        if not Path(request.data).is_dir():
            hint = suggestion(request.data, datasets()) or f" Known: {', '.join(datasets())}."
            raise UsageError(f"--data {request.data}: no data set of that name and no such folder.{hint}")
        kind = "Pairs" if _translates(request) else "Folder"
        layers += [f"--data=datamodules.{kind}", f"--data.folder={request.data}"]
    return layers


def _translates(request: Request) -> bool:
    """Whether the chosen experiment is a translation, so that a folder given to it holds two domains."""
    text = models()[request.model].read_text() if request.model in models() else ""
    return any(f"gan_modules.{name}\n" in text for name in ("CycleGAN", "Pix2Pix"))


def short_help() -> str:
    """The page that ``--help`` prints."""
    small = [name for name in models() if not name.endswith(tuple(f"-{data}" for data in datasets()))]
    papers = [name for name in models() if name not in small]
    rows = [
        ("--model NAME", _VALUES["--model"].format(models=" ".join(small))),
        ("", f"as in the papers: {' '.join(papers)}"),
        ("--data NAME|DIR", _VALUES["--data"].format(data=" ".join(datasets()))),
        *((f"{option} {option[2:].replace('-', '_').upper()}", text) for option, (_, text) in SHORT.items()),
        ("--resume last|PATH", _VALUES["--resume"]),
        ("--config FILE", _VALUES["--config"]),
        *FLAGS.items(),
    ]
    indent = " " * 26
    lines = [
        textwrap.fill(text, 118, initial_indent=f"  {option:<24}", subsequent_indent=indent, break_on_hyphens=False)
        for option, text in rows
    ]
    return "\n".join(
        [
            "usage: python train.py --model NAME [options]",
            "",
            "Train a GAN. Without any other option: a small experiment on data that comes with the installation.",
            "Other commands: python train.py translate|check-data --help",
            "",
            *lines,
            "",
            "Everything else by its typed name, for example --model.width 32 --data.image_size 64 --fid.n_fake 5000",
            "--trainer.max_time 00:01:00:00; python train.py --model NAME --help lists the model's and the data's.",
        ]
    )
