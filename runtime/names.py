"""What can be named on the command line, found without importing anything heavy: the YAML files are the registry."""

from difflib import get_close_matches
from pathlib import Path

CONFIGS = Path(__file__).resolve().parent.parent / "configs"


class UsageError(Exception):
    """A mistake on the command line or in what it points to; its message is one clear line with the remedy."""


def models() -> dict[str, Path]:
    """Experiments by the name that ``--model`` takes."""
    return {path.stem: path for path in sorted(CONFIGS.glob("*.yaml"), key=lambda path: path.stem)}


def datasets() -> dict[str, Path]:
    """Data sets by the name that ``--data`` takes."""
    return {path.stem: path for path in sorted((CONFIGS / "data").glob("*.yaml"))}


def suggestion(word: str, known) -> str:
    """`` Did you mean 'x'?``, or nothing when no known word is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{near[0]}'?" if near else ""


def lookup(kind: str, word: str, known: dict[str, Path]) -> Path:
    """The file that a name stands for.

    Raises:
        UsageError: no such name; says which there are.
    """
    if word in known:
        return known[word]
    hint = suggestion(word, known) or f" Known: {', '.join(known)}."
    raise UsageError(f"no {kind} '{word}'.{hint}")


def model_name(class_path: str) -> str:
    """The shortest name of an experiment with that model class, e.g. ``wgan-gp``; else the class's own name."""
    names = [name for name, path in models().items() if f"class_path: {class_path}\n" in path.read_text()]
    return min(names, key=len, default=class_path.rsplit(".", 1)[-1].lower())
