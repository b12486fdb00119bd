"""Sources of data as LightningDataModules."""

from datamodules.base import GANDataModule
from datamodules.celeba import CelebA
from datamodules.cifar10_domains import CIFAR10Domains
from datamodules.digits import Digits
from datamodules.domains import DomainsDataModule
from datamodules.folder import Folder
from datamodules.images import ImageDataModule
from datamodules.known_domains import KnownDomains
from datamodules.lsun import LSUN
from datamodules.pairs import Pairs
from datamodules.photos import Colours, Photos
from datamodules.torchvision_sets import CIFAR10, MNIST, FashionMNIST

__all__ = [
    "CIFAR10",
    "LSUN",
    "MNIST",
    "CIFAR10Domains",
    "CelebA",
    "Colours",
    "Digits",
    "DomainsDataModule",
    "FashionMNIST",
    "Folder",
    "GANDataModule",
    "ImageDataModule",
    "KnownDomains",
    "Pairs",
    "Photos",
]
