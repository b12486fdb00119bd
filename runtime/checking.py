"""What a folder of images holds: counts, sizes, modes, and files that are passed over or refused."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TextIO

from PIL import Image

from datamodules.decode import is_image_name, read_image
from runtime.names import UsageError


class Look(NamedTuple):
    """One file: its size and mode, or why it is refused."""

    path: Path
    size: tuple[int, int] | None = None  # width, height
    mode: str = ""
    refused: str = ""


def check_folder(folder: str, out: TextIO) -> int:
    """Decode every image below a folder and print a table by sub-folder; 1 if some would be refused, else 0.

    Raises:
        UsageError: there is no such folder, or no image in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UsageError(f"check-data: no folder {root}")
    everything = sorted(path for path in root.rglob("*") if path.is_file() or path.is_symlink())
    images = [path for path in everything if is_image_name(path)]
    if not images:
        raise UsageError(f"check-data: no images in {root}")
    with ThreadPoolExecutor() as pool:
        looks = list(pool.map(look, images))
    print(f"{'folder':<32}{'images':>8}  {'sizes':<34}modes", file=out)
    for parent in sorted({path.parent for path in images}):
        here = [found for found in looks if found.path.parent == parent and not found.refused]
        sizes = Counter(f"{found.size[0]}x{found.size[1]}" for found in here)
        row = f"{parent.relative_to(root)!s:<32}{len(here):>8}  {summary(sizes):<34}"
        print(row + summary(Counter(found.mode for found in here)), file=out)
    refused = [found for found in looks if found.refused]
    for found in refused:
        print(f"refused: {found.refused}", file=out)
    passed_over = [path for path in everything if not is_image_name(path)]
    if passed_over:
        shown = ", ".join(str(path.relative_to(root)) for path in passed_over[:5])
        print(f"passed over ({len(passed_over)}, hidden or no image by name): {shown}", file=out)
    print(f"{len(looks) - len(refused)} images can be used, {len(refused)} would be refused", file=out)
    return 1 if refused else 0


def look(path: Path) -> Look:
    """Decode one file as training would."""
    try:
        read_image(path, 3, None)
        with Image.open(path) as image:
            return Look(path, image.size, image.mode)
    except ValueError as error:
        return Look(path, refused=str(error))


def summary(counts: Iterable, most: int = 3) -> str:
    """The most common values with their counts."""
    common = Counter(counts).most_common(most)
    text = ", ".join(f"{value} ({count})" for value, count in common)
    return text + (f", {len(counts) - most} more" if len(counts) > most else "")
