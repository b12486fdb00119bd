"""The small experiments as they ship: each one learns its data."""

import json
from pathlib import Path

import pytest
import yaml

from runtime.names import models


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, path in models().items() if "datamodules.Digits" in path.read_text()])
def test_a_small_experiment_learns_the_digits(command, name):
    steps = yaml.safe_load(models()[name].read_text())["trainer"]["max_steps"]
    status, _, err = command(f"--model {name} --progress.show false --fid.every_n_steps {steps // 10}")
    assert status == 0, err
    (record,) = Path("runs").glob("*/*/metrics.jsonl")
    scores = [json.loads(line).get("score/frechet_pixels") for line in record.read_text().splitlines()]
    scores = [score for score in scores if score is not None]
    # Uniform noise scores about 8 on these features, two halves of the real data about 0.05.
    assert scores[-1] < 0.75
