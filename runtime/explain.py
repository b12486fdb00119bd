"""jsonargparse's reports, which name Python types over many lines, in one line that a user can act on."""

import re
from collections.abc import Callable, Iterable

from runtime.names import suggestion


def explain(message: str, known: Callable[[str | None], Iterable[str]] = lambda class_path: ()) -> str:
    """One line for a report of jsonargparse.

    Args:
        known: all dotted options, or those of the class at fault, from which the nearest is suggested.
    """
    lines = [line.strip().removeprefix("- ") for line in message.splitlines() if line.strip(" -")]
    text = " | ".join(lines)
    option = ".".join(re.findall(r'Parser key "([^"]+)"', text)).replace(".init_args", "")
    if unknown := re.search(r"Option '([^']+)' is not accepted", text):
        culprit = re.search(r"class_path '([\w.]+)'", text)
        return _no_option(f"{option}.{unknown[1]}", known(culprit and culprit[1]))
    if unknown := re.search(r"[Uu]nrecognized arguments: --([\w.]+)|[Kk]ey '([\w.]+)' is not expected", text):
        return _no_option((unknown[1] or unknown[2]).replace(".init_args", ""), known(None))
    if missing := re.search(r"arguments are required: (.+)", text):
        names = " and ".join(f"--{name.strip()}" for name in missing[1].split("|")[0].split(",")[::-1])
        return f"{names} must be given: python train.py --model NAME (--help lists the names)"
    if choice := re.search(r"Expected a typing\.Literal\[(.+?)\]\. Got value: (.+?)(?: \||$)", text):
        return f"--{option} must be one of {choice[1].replace(chr(39), '')}; got '{choice[2]}'"
    kinds = re.findall(r"Expected a <class '([\w.]+)'>", text)
    value = re.search(r"(?:Got value|Given value): ([^|]+?)(?: \||$)", text)
    own = [
        line
        for line in lines
        if not re.match(r"Expected a <class|Parser key|Does not validate|Subtypes|Errors:|Given|Problem", line)
    ]
    if own and "Errors:" in text:  # what a class of ours said about its option
        return own[0]
    if kinds and value and option:
        names = {
            "int": "a whole number",
            "float": "a number",
            "bool": "true or false",
            "str": "text",
            "NoneType": "null",
        }
        names["tuple"] = "a list like [0.5, 0.999]"
        return f"--{option} must be {' or '.join(dict.fromkeys(names.get(k, k) for k in kinds))}; got '{value[1]}'"
    return f"--{option}: {lines[-1]}" if option else (lines[0] if lines else "unknown error")


def _no_option(name: str, known: Iterable[str]) -> str:
    near = suggestion(f"--{name}", [f"--{option}" for option in known])
    return f"no option '--{name}'.{near or ' See --model NAME --help, or --help-all.'}"
