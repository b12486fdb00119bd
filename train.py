"""Train a GAN: ``python train.py --model dcgan``. The verbs beside ``fit`` live in commands/."""

import os
import sys
from importlib import import_module

from commands.options import short_help
from runtime.names import UsageError, suggestion

#: Verbs and the modules that carry them out; ``fit`` is implied.
VERBS = {"fit": "commands.fit", "translate": "commands.translate", "check-data": "commands.check_data"}


def main(argv: list[str]) -> int:
    """Run one command line; returns the exit status."""
    verb, rest = (argv[0], argv[1:]) if argv and not argv[0].startswith("-") else ("fit", argv)
    try:
        if not argv or (rest in (["--help"], ["-h"]) and verb == "fit"):
            print(short_help())
            return 0
        if verb not in VERBS:
            raise UsageError(f"no command '{verb}'.{suggestion(verb, VERBS) or ' Known: ' + ', '.join(VERBS) + '.'}")
        # Imported only now: torch and Lightning take seconds, and a misspelt name should not have to wait for them.
        return import_module(VERBS[verb]).main(rest)
    except UsageError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("train.py: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
