"""Weights that were trained with the widely used CycleGAN and pix2pix PyTorch repository, under our names.

The names follow from that repository's public class structure: its networks are one ``model`` of numbered layers in the
order of the papers, residual blocks keep theirs in ``conv_block``, and each level of its U-Net holds the next one.
"""

import re
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_modules.networks.translation import PatchDiscriminator, ResidualTranslator, UNet

#: Which of our networks a file holds. Their D_A judges what G_A draws, which is domain B.
CYCLEGAN_FILES = {
    "net_G_A.pth": ("generator", "AtoB"),
    "net_G_B.pth": ("generator", "BtoA"),
    "net_D_A.pth": ("discriminator", "B"),
    "net_D_B.pth": ("discriminator", "A"),
}
PIX2PIX_FILES = {"net_G.pth": ("generator", None), "net_D.pth": ("discriminator", None)}


def load_pretrained(model: nn.Module, path: str, files: dict[str, tuple[str, str | None]]) -> list[str]:
    """Fill a model's players from one file, or from every file of a folder, and return what was filled.

    Args:
        path: ``latest_net_G_A.pth`` or the like, or the folder of such files.
        files: what the ends of file names stand for.

    Raises:
        ValueError: there is no such file, or it is not of this architecture.
    """
    found = sorted(Path(path).glob("*.pth")) if Path(path).is_dir() else [Path(path)]
    # Of several epochs in a folder the repository's own choice is "latest".
    latest = [file for file in found if file.name.startswith("latest_")]
    filled = []
    for file in latest or found:
        for ending, (player, part) in files.items():
            if file.name.endswith(ending):
                network = getattr(model, player) if part is None else getattr(model, player)[part]
                network.load_state_dict(translated(network, file))
                filled.append(f"{file.name} -> {player}{f'[{part}]' if part else ''}")
    if not filled:
        raise ValueError(f"init_from: {path} is not there or holds none of {', '.join(f'*{name}' for name in files)}")
    return filled


def translated(network: nn.Module, file: Path) -> dict[str, Tensor]:
    """The tensors of a file under the names of ``network``.

    Raises:
        ValueError: it cannot be read, or its tensors are not those of the network.
    """
    try:
        theirs = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"init_from: {file} cannot be read as weights ({type(error).__name__})") from error
    theirs = {name.removeprefix("module."): tensor for name, tensor in theirs.items()}
    names = unet_names(len(network.downs)) if isinstance(network, UNet) else None
    mine = network.state_dict()
    renamed = {}
    for name, tensor in theirs.items():
        new = _unet_name(name, names) if names else _flat_name(name)
        # Instance norm of old versions, and batch norm where only the batch counts, carry statistics that we have not.
        if new in mine or not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            renamed[new] = tensor
    wrong = sorted(mine.keys() ^ renamed.keys()) or [k for k in mine if mine[k].shape != renamed[k].shape]
    if wrong:
        kind = {ResidualTranslator: "blocks", PatchDiscriminator: "width", UNet: "halvings"}[type(network)]
        raise ValueError(f"init_from: {file} is of another architecture (see {wrong[0]}): set --model.{kind} and width")
    return renamed


def _flat_name(name: str) -> str:
    name = re.sub(r"^model\.", "", name)
    # With dropout in its middle, the second convolution of a block is one place further down.
    return re.sub(r"\.conv_block\.(\d)\.", lambda m: f".layers.{5 if m[1] == '6' else m[1]}.", name)


def unet_names(levels: int) -> dict[str, str]:
    """Their prefix of each layer of a U-Net to ours."""
    names, prefix = {}, "model.model."
    for level in range(levels):
        if level == 0:
            places = {"0": "downs.0.0", "3": "ups.0.1"}
        elif level == levels - 1:
            places = {"1": f"downs.{level}.1", "3": f"ups.{level}.1", "4": f"ups.{level}.2"}
        else:
            places = {"1": f"downs.{level}.1", "2": f"downs.{level}.2", "5": f"ups.{level}.1", "6": f"ups.{level}.2"}
        names |= {prefix + theirs: ours for theirs, ours in places.items()}
        prefix += "1.model." if level == 0 else "3.model."
    return names


def _unet_name(name: str, names: dict[str, str]) -> str:
    layer, _, tensor = name.rpartition(".")
    return f"{names[layer]}.{tensor}" if layer in names else name
