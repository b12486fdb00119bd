"""The data sets of the CycleGAN and pix2pix papers by name, from their authors' host."""

import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from tqdm import tqdm

from datamodules.pairs import Pairs

HOST = "http://efrosgans.eecs.berkeley.edu"
UNPAIRED = (
    *("apple2orange", "summer2winter_yosemite", "horse2zebra", "monet2photo"),
    *("cezanne2photo", "ukiyoe2photo", "vangogh2photo", "iphone2dslr_flower"),
)
PAIRED = ("cityscapes", "night2day", "edges2handbags", "edges2shoes", "facades", "maps")


def address(name: str) -> str:
    """Where a data set is downloaded from."""
    if name in UNPAIRED:
        return f"{HOST}/cyclegan/datasets/{name}.zip"
    return f"{HOST}/pix2pix/datasets/{name}.tar.gz"


class KnownDomains(Pairs):
    """One of the papers' data sets: used as it is under ``root/NAME``, else downloaded there.

    Args:
        set_name: one of ``UNPAIRED`` or ``PAIRED``.
    """

    def __init__(self, set_name: str, root: str = "data", **options):
        if set_name not in (*UNPAIRED, *PAIRED):
            raise ValueError(f"no known data set '{set_name}': there are {', '.join((*UNPAIRED, *PAIRED))}")
        super().__init__(folder=str(Path(root) / set_name), root=root, **options)
        self.set_name = set_name

    def prepare_data(self) -> None:
        """Download and unpack what is not there yet.

        Raises:
            ValueError: it is not there and cannot be had.
        """
        if self.folder.is_dir():
            return
        archive = download(address(self.set_name), Path(self.root) / address(self.set_name).rsplit("/", 1)[1])
        unpack(archive, self.set_name, Path(self.root))
        archive.unlink()


def download(url: str, target: Path) -> Path:
    """Fetch a file; what an earlier try left is gone on with. Returns ``target``.

    Raises:
        ValueError: the host does not answer, or what came is incomplete; says what to do.
    """
    remedy = f"download {url} by hand, unpack it and give the folder by --data DIR"
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".part")
    have = partial.stat().st_size if partial.is_file() else 0
    try:
        with urlopen(Request(url, headers={"Range": f"bytes={have}-"} if have else {}), timeout=30) as answer:
            resumed = answer.status == 206
            total = int(answer.headers.get("Content-Length", 0)) + (have if resumed else 0)
            label = {"desc": target.name, "unit": "B", "unit_scale": True, "disable": not sys.stderr.isatty()}
            with partial.open("ab" if resumed else "wb") as file, tqdm(total=total or None, **label) as bar:
                bar.update(have if resumed else 0)
                while block := answer.read(1 << 20):
                    file.write(block)
                    bar.update(len(block))
    except HTTPError as error:
        if error.code == 416:  # nothing is left to fetch: what there is came from another file
            partial.unlink()
            return download(url, target)
        raise ValueError(f"{url} answers {error.code} {error.reason}: {remedy}") from error
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise ValueError(f"{url} cannot be reached ({reason}): try again later, or {remedy}") from error
    if total and partial.stat().st_size != total:
        raise ValueError(f"{url} broke off after {partial.stat().st_size} of {total} bytes: run the command again")
    partial.replace(target)
    return target


def unpack(archive: Path, name: str, root: Path) -> None:
    """Unpack an archive that holds a folder ``name`` to ``root/name``: all of it or nothing, and nothing outside.

    Raises:
        ValueError: it is damaged, holds no such folder, or a path that leaves the folder.
    """
    with tempfile.TemporaryDirectory(dir=root, prefix=f".{name}-") as aside:
        try:
            if zipfile.is_zipfile(archive):
                with zipfile.ZipFile(archive) as contents:
                    for member in contents.namelist():
                        if not (Path(aside) / member).resolve().is_relative_to(Path(aside).resolve()):
                            raise ValueError(
                                f"{archive} holds '{member}', which leads out of its folder: it is not unpacked"
                            )
                    contents.extractall(aside)
            else:
                with tarfile.open(archive) as contents:
                    contents.extractall(aside, filter="data")
        except (tarfile.FilterError, tarfile.ReadError, zipfile.BadZipFile, EOFError, OSError) as error:
            raise ValueError(
                f"{archive} cannot be unpacked ({error}): delete it and run the same command again"
            ) from error
        if not (Path(aside) / name).is_dir():
            raise ValueError(f"{archive} holds no folder {name}")
        shutil.move(Path(aside) / name, root / name)
