"""``fit``: train a model, from a command line to a run folder."""

import sys
from importlib import import_module

from commands.options import understand
from runtime.names import UsageError
from runtime.run_folder import resumed_folder


def main(argv: list[str]) -> int:
    """Train as the command line says; returns the exit status."""
    request = understand(argv)
    if "--help" in request.flags or "--help-all" in request.flags:
        print(import_module("runtime.help").page(request.args, everything="--help-all" in request.flags))
        return 0
    resume = None
    if request.resume is not None:
        if request.data or request.configs or (request.model and request.resume != "last"):
            raise UsageError("--resume goes on with a run as it is: leave out --model, --data and --config")
        for option in request.options:
            if option.startswith(("--model.", "--data.", "--seed_everything")):
                raise UsageError(f"--resume goes on with a run as it is: {option.split('=')[0]} cannot change")
        resume = resumed_folder(request.resume, request.out, request.model)
        request.args = [f"--config={resume[0] / 'config.yaml'}", *request.options]
    elif request.model is None and not request.configs:
        raise UsageError("--model NAME is missing: python train.py --model dcgan (--help lists the names)")
    training = import_module("runtime.training")  # torch and Lightning from here on
    return training.train(request.args, resume=resume, dry_run="--dry-run" in request.flags, out=sys.stdout)
