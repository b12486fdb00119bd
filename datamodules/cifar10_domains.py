"""Two classes of CIFAR-10 as unpaired domains of real photographs."""

from datamodules.base import Split
from datamodules.domains import DomainsDataModule, Source
from datamodules.sources import Images
from datamodules.torchvision_sets import CIFAR10

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class CIFAR10Domains(DomainsDataModule):
    """5 000 training and 1 000 test images of each of two classes, 32x32, colour.

    Args:
        a: class that is domain A.
        b: class that is domain B.
    """

    name = "cifar10_domains"

    def __init__(self, a: str = "horse", b: str = "deer", root: str = "data", **options):
        super().__init__(root=root, **options)
        for kind in (a, b):
            if kind not in CLASSES:
                raise ValueError(f"CIFAR-10 has no class '{kind}': use one of {', '.join(CLASSES)}")
        if self.load_size is not None:
            raise ValueError("CIFAR-10's images are 32x32: leave out load_size")
        self.a, self.b = a, b
        self._whole = CIFAR10(root=root)

    def prepare_data(self) -> None:
        self._whole.prepare_data()

    def read(self, split: Split) -> dict[str, Source]:
        whole = self._whole.read(split)
        chosen = {"A": CLASSES.index(self.a), "B": CLASSES.index(self.b)}
        return {name: Images(whole.images[whole.labels == number]) for name, number in chosen.items()}
