"""The benchmarks run, and both of their loops do the same work."""

import importlib.util
import json
from pathlib import Path

import pytest
from helpers import fork

spec = importlib.util.spec_from_file_location("step", Path(__file__).parent.parent / "benchmarks" / "step.py")
step = importlib.util.module_from_spec(spec)
spec.loader.exec_module(step)


@pytest.mark.parametrize("case", step.CASES)
def test_every_case_measures_both_loops(case, monkeypatch):
    make_model, make_data, _ = step.CASES[case]
    monkeypatch.setitem(step.CASES, case, (make_model, make_data, 1))
    # In a fork, for W&B's service that it starts must not be inherited by the forks of other tests.
    status, out, err = fork(lambda: print(json.dumps(step.measure(case, rounds=1))) or 0)
    assert status == 0, err
    found = json.loads(out.splitlines()[-1])
    assert found["ratio"] > 0 and found["lowest"] <= found["ratio"] <= found["highest"]
    assert min(found["ours_ms"], found["bare_ms"], found["ours_mib"], found["bare_mib"]) > 0


def test_loading_measures_both_paths():
    found = step.loading(rounds=1)
    assert found["ours_images_per_s"] > found["torchvision_images_per_s"] > 0
