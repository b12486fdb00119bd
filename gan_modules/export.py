"""A generator that describes itself: ``generator.safetensors`` and ``model.json``, which builds its network again."""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gan_modules.base import GANModule

WEIGHTS_FILE, DESCRIPTION_FILE = "generator.safetensors", "model.json"


def save_generator(model: GANModule, folder: Path, **facts) -> Path:
    """Write the generator that draws pictures (its average where there is one) and how to build it.

    Args:
        facts: what else the description should say, such as the step and the scores.
    """
    folder = Path(folder)
    options = {name: value for name, value in model.hparams.items() if name != "ema_decay"}
    description = {"model_class": f"{type(model).__module__}.{type(model).__qualname__}", "options": options, **facts}
    weights = {name: tensor.detach().contiguous() for name, tensor in model.best_generator.state_dict().items()}
    for name, write in (
        (WEIGHTS_FILE, lambda path: save_file(weights, path)),
        (DESCRIPTION_FILE, lambda path: path.write_text(json.dumps(description, indent=2) + "\n")),
    ):
        unfinished = folder / f"{name}.part"
        write(unfinished)
        unfinished.replace(folder / name)
    return folder / WEIGHTS_FILE


def read_generator(folder: Path) -> tuple[str, dict, dict]:
    """(class, options, weights) of an exported generator.

    Raises:
        ValueError: a file is missing or damaged.
    """
    try:
        description = json.loads((folder / DESCRIPTION_FILE).read_text())
        return description["model_class"], description["options"], load_file(folder / WEIGHTS_FILE)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ValueError(f"{folder} holds no exported generator that can be read ({error})") from error
