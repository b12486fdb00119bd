"""A model back from a run folder or a checkpoint, with nothing else to remember and no code run from the file."""

import zipfile
from importlib import import_module
from pathlib import Path

import torch

from gan_modules.base import GANModule
from gan_modules.export import DESCRIPTION_FILE, WEIGHTS_FILE, read_generator


def find_checkpoint(path: str | Path) -> Path:
    """The checkpoint that a path means: itself, or a run folder's ``best.ckpt``, else its ``last.ckpt``.

    Raises:
        ValueError: there is none.
    """
    path = Path(path)
    if path.is_dir():
        found = [path / "checkpoints" / name for name in ("best.ckpt", "last.ckpt")]
        for candidate in found:
            if candidate.is_file():
                return candidate
        raise ValueError(f"no checkpoint in {path}: looked for {found[0]} and {found[1]}")
    if not path.is_file():
        raise ValueError(f"no checkpoint {path}")
    return path


def load_model(path: str | Path) -> GANModule:
    """The model of a run folder, a checkpoint or an exported generator, on the CPU, in eval mode.

    The class is the one that the file names, if it is one of this package's. Of an exported generator the discriminator
    is untrained.

    Raises:
        ValueError: there is no checkpoint, it is damaged, or it is none of ours.
    """
    if "://" in str(path):
        raise ValueError(f"{path}: models are loaded from files, not from addresses")
    path = Path(path)
    if path.name == WEIGHTS_FILE or ((path / DESCRIPTION_FILE).is_file() and not (path / "checkpoints").is_dir()):
        return _exported(path if path.is_dir() else path.parent)
    path = find_checkpoint(path)
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()  # torch writes checksums and never reads them
    except zipfile.BadZipFile:
        broken = "the archive"
    if broken:
        raise ValueError(f"checkpoint {path} is damaged ({broken})")
    name = torch.load(path, map_location="meta", weights_only=True).get("model_class", "")
    return _class_named(name, path).load_from_checkpoint(path, map_location="cpu", weights_only=True).eval()


def _exported(folder: Path) -> GANModule:
    name, options, weights = read_generator(folder)
    model = _class_named(name, folder)(**options)
    model.configure_model()
    try:
        model.generator.load_state_dict(weights)
    except RuntimeError as error:
        raise ValueError(f"{folder / WEIGHTS_FILE} does not fit {folder / DESCRIPTION_FILE}") from error
    return model.eval()


def _class_named(name: str, path: Path) -> type[GANModule]:
    module, _, attribute = name.rpartition(".")
    if not module.startswith("gan_modules."):
        raise ValueError(f"{path} holds no model of this package (its class is '{name}')")
    return getattr(import_module(module), attribute)
