"""The game that every GAN here plays: two players, who moves when, and what the rest of the framework may ask of them.

One Lightning batch is one generator step: it holds ``n_critic`` minibatches of fresh data, the discriminator moves once
on each and the generator once on the last (Algorithm 1 of the GAN and WGAN papers). So batches = generator steps =
``trainer.global_step`` = the loggers' x axis, ``max_steps`` is exact and no phase has to be saved.

This is the only file that speaks of optimizers, of who is frozen, and of Lightning's counters.
"""

import logging
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Literal

import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from gan_modules.average import MovingAverage
from gan_modules.randomness import WEIGHTS, StepRandomness, seed_for
from gan_modules.schedules import ScheduleName, learning_rate_factor

log = logging.getLogger(__name__)

Batch = dict[str, Tensor]
Player = Literal["discriminator", "generator"]


def require(condition: bool, message: str) -> None:
    """Raise ``ValueError(message)`` unless ``condition`` holds; the message names the option and the remedy."""
    if not condition:
        raise ValueError(message)


def split(batch: Batch, parts: int) -> list[Batch]:
    """Cut every tensor of the batch into ``parts`` equal pieces along the first axis."""
    size = len(next(iter(batch.values())))
    require(size % parts == 0, f"a batch of {size} cannot be split into n_critic = {parts} equal minibatches")
    pieces = {name: tensor.chunk(parts) for name, tensor in batch.items()}
    return [{name: chunks[i] for name, chunks in pieces.items()} for i in range(parts)]


def detached(batch: Batch) -> Batch:
    """The same tensors, cut from the graph that made them."""
    return {name: tensor.detach() for name, tensor in batch.items()}


@contextmanager
def frozen(optimizer) -> Iterator[None]:
    """The parameters of an optimizer without gradients.

    Lightning's toggled_optimizer does the same for any number of optimizers, at three times the cost.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def plain_shape(shape):
    """A shape, or shapes by name, as tuples, which a checkpoint can hold."""
    return {name: tuple(s) for name, s in shape.items()} if isinstance(shape, dict) else tuple(shape)


@contextmanager
def evaluating(module: nn.Module) -> Iterator[nn.Module]:
    """The module in eval mode and without gradients; the mode it was in is restored."""
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            yield module
    finally:
        module.train(was_training)


class GANModule(LightningModule, ABC):
    """Two players, ``generator`` and ``discriminator``, and the objective of each: reals and fakes to named terms.

    A subclass states its networks in ``build``, its fakes in ``generate`` and its equation in the two objectives.

    Args:
        lr: learning rate of both players.
        discriminator_lr: learning rate of the discriminator alone, when it differs (TTUR, Heusel et al. 2017).
        betas: Adam's decay rates of the gradient's first and second moment.
        n_critic: discriminator steps per generator step, each on fresh data.
        fresh_noise: draw new noise for the generator's step, as Algorithm 1 says to the letter; otherwise the fakes of
            the last discriminator step serve both players, which saves one forward pass.
        ema_decay: decay per generator step of the generator's moving average, e.g. 0.999; it is then what draws
            pictures and is scored. None: no average.
        lr_schedule: course of both learning rates over the run, per generator step.
        lr_decay_start: fraction of the run after which ``lr_schedule`` begins to fall.
        seed: of the initial weights and of all noise.
        shape: of one datum, (channels, height, width) or (dimensions,), by name where data has several parts; None:
            asked of the data module.
        classes: number of classes of labelled data; None: asked of the data module together with ``shape``.

    Raises:
        ValueError: an option is out of its range.
    """

    #: Who moves first on the last minibatch of a step; the other player sees fakes from before that move.
    moves_first: Player = "discriminator"
    #: Pictures by name: one tensor name is a grid of samples, several are columns side by side.
    panels: ClassVar[dict[str, tuple[str, ...]]] = {"reals": ("real",), "fakes": ("fake",)}
    #: Whether fakes come from noise, without end; otherwise each is made from a datum.
    endless: ClassVar[bool] = True
    #: Which (real, fake) pictures a distance compares, by the label its score carries.
    scored: ClassVar[dict[str, tuple[str, str]]] = {"": ("real", "fake")}

    def __init__(
        self,
        *,
        lr: float = 2e-4,
        discriminator_lr: float | None = None,
        betas: tuple[float, float] = (0.5, 0.999),
        n_critic: int = 1,
        fresh_noise: bool = False,
        ema_decay: float | None = None,
        lr_schedule: ScheduleName = "constant",
        lr_decay_start: float = 0.0,
        seed: int = 0,
        shape: tuple[int, ...] | dict[str, tuple[int, ...]] | None = None,
        classes: int | None = None,
    ):
        super().__init__()
        require(
            lr > 0 and (discriminator_lr is None or discriminator_lr > 0), "lr and discriminator_lr must be above 0"
        )
        require(all(0 <= beta < 1 for beta in betas), f"betas must lie in [0, 1), got {betas}")
        require(n_critic >= 1, f"n_critic must be 1 or more, got {n_critic}")
        require(ema_decay is None or 0 < ema_decay < 1, f"ema_decay must lie between 0 and 1, got {ema_decay}")
        require(0 <= lr_decay_start < 1, f"lr_decay_start must lie in [0, 1), got {lr_decay_start}")
        require(seed >= 0, f"seed must be 0 or more, got {seed}")
        self.save_hyperparameters()
        self.automatic_optimization = False
        self.lr, self.discriminator_lr, self.betas = lr, discriminator_lr or lr, betas
        self.n_critic, self.fresh_noise, self.ema_decay, self.seed = n_critic, fresh_noise, ema_decay, seed
        self.lr_schedule, self.lr_decay_start = lr_schedule, lr_decay_start
        self.shape = None if shape is None else plain_shape(shape)
        self.classes = classes
        self.average: MovingAverage | None = None
        self.noise: StepRandomness | None = None  # of the running step
        self._history: dict[str, list[Tensor]] = defaultdict(list)

    # What a model states.

    @abstractmethod
    def build(self) -> None:
        """Make ``self.generator`` and ``self.discriminator`` for data of ``self.shape`` and ``self.classes``."""

    @abstractmethod
    def generate(self, batch: Batch) -> Batch:
        """Fakes to be judged against ``batch``, by name, with a graph back to the generator."""

    @abstractmethod
    def discriminator_objective(self, real: Batch, fake: Batch) -> Batch:
        """Named scalar terms whose sum the discriminator minimises; ``fake`` carries no graph."""

    @abstractmethod
    def generator_objective(self, real: Batch, fake: Batch) -> Batch:
        """Named scalar terms whose sum the generator minimises."""

    @abstractmethod
    def pictures(self, batch: Batch, rng: torch.Generator) -> Batch:
        """Named pictures for ``panels`` and ``scored``, in eval mode, by the generator's average if there is one.

        ``rng`` lives on the CPU: the same latents for the same seed, whatever the device.
        """

    def after_discriminator_step(self) -> None:
        """Called after every discriminator step: the seam for weight clipping."""

    def make_optimizer(self, parameters: list[nn.Parameter], lr: float) -> torch.optim.Optimizer:
        """The optimizer of one player; fused where its device has that kernel."""
        fused = parameters[0].device.type in ("cpu", "cuda")
        return torch.optim.Adam(parameters, lr=lr, betas=self.betas, fused=fused)

    def observe(self, **values: Tensor) -> None:
        """Hand over quantities that are watched but not minimised; the mean of each is logged at reporting steps."""
        if self._reporting:
            for name, value in values.items():
                self._history[name.replace("__", "/")].append(value.detach().float().mean())

    # The game.

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        self._begin_step()
        *early, last = split(self._cast(batch), self.n_critic)
        for minibatch in early:
            with torch.no_grad():
                fakes = self.generate(minibatch)
            self._move("discriminator", minibatch, fakes)
        with torch.set_grad_enabled(not self.fresh_noise):
            fakes = self.generate(last)
        for player in sorted(("discriminator", "generator"), key=lambda name: name != self.moves_first):
            if player == "discriminator":
                self._move(player, last, detached(fakes))
            else:
                self._move(player, last, self.generate(last) if self.fresh_noise else fakes)
        self._end_step()

    def _begin_step(self) -> None:
        generator_optimizer, discriminator_optimizer = self.optimizers()
        # Lightning counts every step of every optimizer as a global step; only the generator's may count.
        discriminator_optimizer._on_before_step = discriminator_optimizer._on_after_step = lambda: None
        self._optimizers_of = {"generator": generator_optimizer, "discriminator": discriminator_optimizer}
        trainer = self.trainer
        # Lightning's own counter of batches: it decides which steps are logged, and counts a skipped step too.
        self.step_index = trainer.fit_loop.epoch_loop._batches_that_stepped
        self._reporting = (self.step_index + 1) % trainer.log_every_n_steps == 0
        self.noise = StepRandomness(self.seed, self.step_index, self.device, trainer.global_rank, trainer.world_size)

    def _cast(self, batch: Batch) -> Batch:
        """The batch in the networks' own precision, which 64-true and bf16-true change."""
        return {name: x.to(self.dtype) if x.is_floating_point() else x for name, x in batch.items()}

    def _move(self, player: Player, real: Batch, fake: Batch) -> None:
        """One step of one player: the only place that freezes the other one, goes backward and updates weights."""
        optimizer = self._optimizers_of[player]
        other = self._optimizers_of["generator" if player == "discriminator" else "discriminator"]
        objective = self.discriminator_objective if player == "discriminator" else self.generator_objective
        with frozen(other):
            terms = objective(real, fake)
            optimizer.zero_grad()
            self.manual_backward(sum(terms.values()))
            if self._reporting:
                gradients = [p.grad for p in getattr(self, player).parameters() if p.grad is not None]
                norm = nn.utils.get_total_norm(gradients)
                scaler = getattr(self.trainer.precision_plugin, "scaler", None)  # of 16-mixed
                self._history[f"gradient/{player}"].append(norm if scaler is None else norm / scaler.get_scale())
            optimizer.step()
        for name, term in terms.items():
            self._history[f"loss/{player}/{name}"].append(term.detach())
        if player == "discriminator":
            self.after_discriminator_step()

    def _end_step(self) -> None:
        if self.average is not None:
            self.average.update(self.generator)
        for schedule in self.lr_schedulers() or ():
            schedule.step()
        if self._reporting:
            # Handing values over is the largest cost of a step in Lightning: all at once, and only when they are shown.
            values = {name: torch.stack(history).mean() for name, history in self._history.items()}
            if self.lr_schedule != "constant":
                values |= {f"lr/{name}": o.param_groups[0]["lr"] for name, o in self._optimizers_of.items()}
            self.log_dict({**values, "step": float(self.step_index + 1)}, batch_size=1)
            self._history.clear()

    @property
    def steps_done(self) -> int:
        """Generator steps taken so far, those before a resume included."""
        return self.trainer.global_step

    # What Lightning asks.

    def configure_model(self) -> None:
        """Build the players once the data's shape is known; the trainer and ``load_from_checkpoint`` call this."""
        if hasattr(self, "generator"):
            return
        if self.shape is None:
            self.fit_to(self._datamodule())
        # On the CPU and from the seed alone: the same initial weights whatever the device and whatever ran before.
        with torch.random.fork_rng(devices=[]), torch.device("cpu"):
            torch.manual_seed(seed_for(WEIGHTS, self.seed))
            self.build()
        if self.ema_decay:
            self.average = MovingAverage(self.generator, self.ema_decay)

    def fit_to(self, data) -> None:
        """Take over the ``shape`` and ``classes`` of a data module; a checkpoint remembers them."""
        self.shape, self.classes = plain_shape(data.shape), data.classes
        self.hparams.update(shape=self.shape, classes=self.classes)

    def _datamodule(self):
        datamodule = self._trainer.datamodule if self._trainer is not None else None
        require(
            hasattr(datamodule, "shape"),
            f"{type(self).__name__} does not know the shape of its data: pass shape=(channels, height, width), "
            "or fit it with a data module that has `shape` and `classes`",
        )
        return datamodule

    def configure_optimizers(self):
        optimizers = [
            self.make_optimizer(list(self.generator.parameters()), self.lr),
            self.make_optimizer(list(self.discriminator.parameters()), self.discriminator_lr),
        ]
        if self.lr_schedule == "constant":
            return optimizers
        total = self.trainer.estimated_stepping_batches
        require(total != float("inf"), f"lr_schedule {self.lr_schedule} needs an end: set max_steps or max_epochs")
        factor = lambda step: learning_rate_factor(self.lr_schedule, step, total, self.lr_decay_start)
        return optimizers, [torch.optim.lr_scheduler.LambdaLR(optimizer, factor) for optimizer in optimizers]

    def on_save_checkpoint(self, checkpoint: dict) -> None:
        checkpoint["model_class"] = f"{type(self).__module__}.{type(self).__qualname__}"

    # For state that every process has for itself.

    def of_every_rank(self, mine) -> list:
        """One object of every process, in order of rank, the same list everywhere."""
        if self._trainer is None or self.trainer.world_size == 1:
            return [mine]
        everyone: list = [None] * self.trainer.world_size
        torch.distributed.all_gather_object(everyone, mine)
        return everyone

    def my_share(self, everyone: list, what: str):
        """This process's object of such a list; None, with a line that says so, for another number of processes."""
        rank, count = (0, 1) if self._trainer is None else (self.trainer.global_rank, self.trainer.world_size)
        if len(everyone) == count:
            return everyone[rank]
        if everyone and rank == 0:
            log.warning("%s of %d processes cannot serve %d: they start empty", what, len(everyone), count)
        return None

    @property
    def best_generator(self) -> nn.Module:
        """The generator that draws pictures and is scored: its moving average when there is one."""
        return self.generator if self.average is None else self.average.module
