"""The loggers of a run: the local record always, W&B unless it is off, TensorBoard when asked for."""

import logging
import netrc
import os
import secrets
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlparse

from pytorch_lightning.loggers import Logger, TensorBoardLogger, WandbLogger

from runtime.local_log import LocalLog
from runtime.names import UsageError
from runtime.run_folder import RunOptions

log = logging.getLogger(__name__)


def make_loggers(options: RunOptions, folder: Path, config: dict, resumed_at: int | None = None) -> list[Logger]:
    """The loggers that a run's options name, writing into its folder.

    Args:
        config: the resolved configuration, for dashboards.
        resumed_at: the step a resumed run goes on from; None for a new run.
    """
    loggers: list[Logger] = [LocalLog(folder, keep_until=resumed_at)]
    mode = wandb_mode(options.wandb)
    if mode == "online" and not has_wandb_key():
        raise UsageError("--wandb online needs a key: wandb login, or WANDB_API_KEY; or leave it out to record offline")
    if mode != "off":
        loggers += _wandb(options, folder, mode, config)
    if options.tensorboard:
        if find_spec("tensorboard") is None:
            raise UsageError("--run.tensorboard needs the package tensorboard: pip install tensorboard")
        loggers.append(TensorBoardLogger(folder, name="", version="tensorboard"))
    return loggers


def wandb_mode(wish: str) -> str:
    """online, offline or off: what ``auto`` means here, without ever asking for an account."""
    if wish != "auto":
        return wish
    said = os.environ.get("WANDB_MODE", "")
    if said in ("disabled", "offline", "online"):
        return {"disabled": "off"}.get(said, said)
    return "online" if has_wandb_key() else "offline"


def has_wandb_key() -> bool:
    """Whether a key is configured, in the environment or by ``wandb login`` (which writes ~/.netrc)."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    host = urlparse(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")).hostname
    try:
        return netrc.netrc(os.environ.get("NETRC")).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _wandb(options: RunOptions, folder: Path, mode: str, config: dict) -> list[Logger]:
    if find_spec("wandb") is None:
        log.warning("W&B: the package wandb is not installed; metrics.csv and index.html are written all the same")
        return []
    import wandb

    identity = folder / "wandb_run_id.txt"
    if not identity.is_file():
        # A sweep's agent has given this run its id already.
        identity.write_text(os.environ.get("WANDB_RUN_ID") or secrets.token_hex(4))

    def start(mode: str) -> WandbLogger:
        run = wandb.init(
            project=options.project,
            group=options.group,
            name=f"{folder.parent.name}/{folder.name}",
            id=identity.read_text().strip(),
            resume="allow",
            dir=folder,
            mode=mode,
            config=config,
            settings=wandb.Settings(init_timeout=30, silent=True),
        )
        # The x axis of every panel: generator steps.
        run.define_metric("trainer/global_step")
        run.define_metric("*", step_metric="trainer/global_step", step_sync=True)
        return WandbLogger(experiment=run)

    for attempt in dict.fromkeys((mode, "offline")):
        try:
            return [start(attempt)]
        except Exception as error:  # whatever W&B's server or client does, training goes on
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            instead = (
                "recording offline" if attempt != "offline" else "metrics.csv and index.html are written all the same"
            )
            log.warning("W&B could not start (%s): %s", reason, instead)
            wandb.teardown()
    return []
