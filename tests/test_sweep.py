"""The sweep files name options that exist and values that they take."""

from pathlib import Path

import pytest
import yaml

from commands.options import understand
from runtime.cli import Parsed

SWEEPS = sorted((Path(__file__).parent.parent / "configs" / "sweeps").glob("*.yaml"))


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_every_value_of_a_sweep_is_a_valid_command(path):
    sweep = yaml.safe_load(path.read_text())
    assert sweep["program"] == "train.py" and sweep["command"][-1] == "${args}"
    fixed = [word for word in sweep["command"] if not word.startswith("${")]
    for name, choice in sweep["parameters"].items():
        for value in choice.get("values") or (choice["min"], choice["max"]):
            parsed = Parsed(understand([*fixed, f"--{name}={value}"]).args)  # as the agent writes it
            assert parsed.config["model"]["init_args"][name.split(".")[1]] == value


def test_there_is_a_sweep():
    assert SWEEPS
