"""The command line: ``mlj COMMAND``.

Only the name of the command is read here, so that ``mlj --help`` loads neither JAX nor the parser of
options. Each command is a module of this package with a function ``run(arguments) -> exit status``.
"""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "compare": "find out which loss, output and decision rule suit a data set",
    "describe": "say what is in a data set: sizes, cardinality, imbalance, missing labels",
    "evaluate": "measure a trained model on rows with known labels",
    "export": "write a trained model as one program for CPU, CUDA and TPU",
    "losses": "list the losses, or explain one",
    "pack": "write a data set as a folder that is trained from disk",
    "predict": "write what a trained model says of new rows",
    "train": "train one model for real: kept in a folder, stopped and gone on with at will",
}


def usage() -> str:
    """Return what ``mlj --help`` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name.ljust(width)}  {said}" for name, said in COMMANDS.items()]
    return "\n".join(
        [
            "usage: mlj COMMAND [arguments]",
            "",
            "Multi-label learning in JAX: losses, metrics and decision rules, measured.",
            "",
            *lines,
            "",
            "mlj COMMAND --help says what a command takes.",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 2 bad input, 130 and 143 stopped by a signal."""
    arguments = sys.argv[1:] if arguments is None else arguments
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        print(usage())
        return 0
    if name == "--version":
        from mlj import __version__

        print(__version__)
        return 0
    if name not in COMMANDS:
        from difflib import get_close_matches

        close = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(COMMANDS)}"
        print(f"mlj: unknown command {name!r}: {hint}", file=sys.stderr)
        return 2
    try:
        return import_module(f"mlj.cli.{name}").run(rest)
    except (OSError, ValueError) as error:
        print(f"mlj {name}: {error}", file=sys.stderr)
        return 2
    except SystemExit as ended:  # the parser of options has said what is wrong, or helped
        return int(ended.code or 0)
    except KeyboardInterrupt:
        print(f"mlj {name}: interrupted", file=sys.stderr)
        return 130
