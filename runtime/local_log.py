"""The local record of a run, which needs nobody: ``metrics.jsonl``, flushed row by row, and ``metrics.csv`` of it."""

import csv
import json
from pathlib import Path

from pytorch_lightning.loggers.logger import Logger, rank_zero_experiment
from pytorch_lightning.utilities import rank_zero_only

# Lightning's CSVLogger is not used: it deletes the metrics.csv that it finds, which a resumed run still needs.


class LocalLog(Logger):
    """Rows of metrics by generator step, one JSON object to a line and one line of a CSV each.

    Args:
        folder: the run folder.
        keep_until: a resumed run's first step: rows after it belong to the lost part of the run and are dropped.
    """

    def __init__(self, folder: Path, keep_until: int | None = None):
        super().__init__()
        self.folder = Path(folder)
        self._columns: list[str] = ["step"]
        if keep_until is not None and self.jsonl.is_file():
            kept = [row for row in read_rows(self.jsonl) if row["step"] <= keep_until]
            self.jsonl.write_text("".join(json.dumps(row) + "\n" for row in kept))
            self._columns = list(dict.fromkeys(["step", *(key for row in kept for key in row)]))
            self._rewrite()

    @property
    def jsonl(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def csv(self) -> Path:
        return self.folder / "metrics.csv"

    @property
    def name(self) -> str:
        return ""

    @property
    def version(self) -> str:
        return ""

    @property
    def save_dir(self) -> str:
        return str(self.folder)

    @property
    @rank_zero_experiment
    def experiment(self) -> None:
        return None

    def log_hyperparams(self, params, *args, **kwargs) -> None:
        """Nothing: the run folder has the whole config.yaml."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        row = {"step": step, **{key: float(value) for key, value in metrics.items() if key != "step"}}
        with self.jsonl.open("a") as file:
            file.write(json.dumps(row) + "\n")
        new = [key for key in row if key not in self._columns]
        if new or not self.csv.is_file():
            # Columns come with the first rows that have them; then the file is written anew.
            self._columns += new
            self._rewrite()
        else:
            with self.csv.open("a", newline="") as file:
                csv.DictWriter(file, self._columns).writerow(row)

    def _rewrite(self) -> None:
        unfinished = self.csv.with_suffix(".part")
        with unfinished.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(read_rows(self.jsonl))
        unfinished.replace(self.csv)


def read_rows(jsonl: Path) -> list[dict[str, float]]:
    """The rows of a ``metrics.jsonl``; a last line that was cut off by a crash is left out."""
    rows = []
    for line in jsonl.read_text().splitlines() if jsonl.is_file() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows
