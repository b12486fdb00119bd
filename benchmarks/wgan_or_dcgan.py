"""Is training a WGAN faster than training a DCGAN? The same networks, data and batch, timed by turns.

    python benchmarks/wgan_or_dcgan.py [--json] [--rounds 7]

Prints the ratio of the time of one generator step, and of one image shown to the discriminator, of WGAN to DCGAN's, for
WGAN with one critic step and with the paper's five.
"""

import argparse
import json
import logging
import statistics
import warnings

import torch
from step import Noise, ours

from gan_modules import DCGAN, WGAN
from runtime.cli import quieten

PLAYERS = {
    "dcgan": lambda: DCGAN(width=32, seed=1),
    "wgan_1": lambda: WGAN(width=32, seed=1, n_critic=1),
    "wgan_5": lambda: WGAN(width=32, seed=1, n_critic=5),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print nothing but one JSON object")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    quieten()
    logging.getLogger().setLevel(logging.ERROR)
    torch.set_num_threads(1)
    data, rounds = Noise(32, 3, batch_size=64), []
    for i in range(options.rounds + 1):
        names = list(PLAYERS) if i % 2 else list(PLAYERS)[::-1]
        rounds.append({name: ours(PLAYERS[name](), data, options.steps) for name in names})
    results = {}
    for name, images in (("wgan_1", 1), ("wgan_5", 5)):
        ratios = sorted(r[name] / r["dcgan"] for r in rounds[1:])  # the first round warms up
        results[name] = {
            "per_generator_step": round(statistics.median(ratios), 3),
            "lowest": round(ratios[0], 3),
            "highest": round(ratios[-1], 3),
            "per_image": round(statistics.median(ratios) / images, 3),
        }
        if not options.json:
            print(name, results[name])
    print(json.dumps(results))


if __name__ == "__main__":
    main()
