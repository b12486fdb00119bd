"""Sources of images as LightningDataModules."""

from datamodules.base import GANDataModule
from datamodules.celeba import CelebA
from datamodules.digits import Digits
from datamodules.folder import Folder
from datamodules.images import ImageDataModule
from datamodules.lsun import LSUN
from datamodules.torchvision_sets import CIFAR10, MNIST, FashionMNIST

__all__ = ["CIFAR10", "LSUN", "MNIST", "CelebA", "Digits", "FashionMNIST", "Folder", "GANDataModule", "ImageDataModule"]
