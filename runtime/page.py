"""``index.html`` of a run folder: grids with a slider, curves, the configuration; one file that works from disk."""

import json
import re
import time
from collections import defaultdict
from html import escape
from pathlib import Path

from pytorch_lightning import Callback, LightningModule, Trainer

from runtime.local_log import read_rows

_TEMPLATE = Path(__file__).with_name("page.html")


def write_page(folder: Path) -> Path:
    """Write the page of a run from what its folder holds now; returns its path."""
    folder = Path(folder)
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in read_rows(folder / "metrics.jsonl"):
        for key, value in row.items():
            if key != "step" and value == value:  # NaN is not JSON
                curves[key].append((row["step"], value))
    panels: dict[str, list[str]] = defaultdict(list)
    for path in sorted((folder / "samples").glob("*.png")):
        panels[re.sub(r"_\d+$", "", path.stem)].append(f"samples/{path.name}")
    config = folder / "config.yaml"
    title = f"{folder.parent.name} / {folder.name}"
    # "</" would end the script element early.
    data = json.dumps({"panels": panels, "curves": curves}).replace("</", "<\\/")
    page = _TEMPLATE.read_text().replace("{{title}}", escape(title)).replace("{{data}}", data)
    page = page.replace("{{config}}", escape(config.read_text() if config.is_file() else ""))
    target, unfinished = folder / "index.html", folder / "index.html.part"
    unfinished.write_text(page)
    unfinished.replace(target)
    return target


class RunPage(Callback):
    """Keep ``index.html`` fresh while training goes on.

    Args:
        seconds: least time between two writes.
    """

    def __init__(self, seconds: float = 20.0):
        self.seconds, self._written = seconds, time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, model: LightningModule, *_) -> None:
        if trainer.global_step % trainer.log_every_n_steps == 0 and time.monotonic() - self._written > self.seconds:
            self._write(trainer)

    def on_train_end(self, trainer: Trainer, model: LightningModule) -> None:
        self._write(trainer)

    def on_exception(self, trainer: Trainer, model: LightningModule, exception: BaseException) -> None:
        self._write(trainer)

    def _write(self, trainer: Trainer) -> None:
        if trainer.is_global_zero:
            write_page(trainer.default_root_dir)
            self._written = time.monotonic()
