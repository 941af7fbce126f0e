"""The command line: ``spinect plan``, ``measure``, ``segment``, ``study``, ``phantom``, ``train`` and others.

Progress and faults go to standard error, results to standard output. Each command lives in a module of its own, which
imports what it needs only when it runs: ``spinect --help`` answers at once.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Sequence

from spinect_core.base.blas import multiply_in_one_thread
from spinect_core.base.child import run_if_child
from spinect_core.base.decimal_point import keep_decimal_point
from spinect_core.base.errors import Cancelled, SpinectError, UsageError
from spinect_core.base.log import write_log
from spinect_core.base.own_folders import keep_to_own_folders
from spinect_core.base.scratch import sweep_temporary
from spinect_core.cli import (
    archive,
    dicom,
    evaluate,
    export,
    fetch,
    find,
    fluoroscopy,
    info,
    landmarks,
    measure,
    organs,
    phantom,
    phantom_study,
    plan,
    report,
    segment,
    send,
    series,
    serve,
    study,
    teach,
    train,
)
from spinect_core.cli.parser import Parser, command_parser
from spinect_core.cli.speaking import speak_anywhere
from spinect_core.cli.stopping import Stopping

COMMANDS = (
    plan,
    report,
    dicom,
    export,
    archive,
    find,
    fetch,
    send,
    serve,
    measure,
    landmarks,
    segment,
    organs,
    fluoroscopy,
    series,
    evaluate,
    study,
    phantom,
    phantom_study,
    train,
    teach,
    info,
)
UNEXPECTED = 70
"""Exit code of a fault of the program itself (EX_SOFTWARE)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the words after ``spinect``; those of the process if None.

    Returns:
        The exit code: 0, or that of the error (see ``spinect --help``).
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if (child := run_if_child(arguments)) is not None:
        return child
    keep_decimal_point()
    speak_anywhere()
    debug = "--debug" in arguments
    options: argparse.Namespace | None = None
    with Stopping() as stopping:
        try:
            options = whole_parser().parse_args(arguments)
            keep_to_own_folders()
            multiply_in_one_thread()
            sweep_temporary()
            code: int = options.run(options, stopping.event)
            sys.stdout.flush()
            return code
        except SystemExit as leaving:  # --help and --version
            return int(leaving.code or 0)
        except BrokenPipeError:
            # Whoever read our output has heard enough; Python must not complain about it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except KeyboardInterrupt:
            return _report(Cancelled())
        except SpinectError as error:
            if debug and not isinstance(error, Cancelled):
                raise
            # Ctrl-C reaches the inference process too, whose end must not look like a fault.
            return _report(Cancelled() if stopping.event.is_set() else error, options)
        except Exception as error:
            if stopping.event.is_set():
                return _report(Cancelled())
            if debug:
                raise
            return _report_unexpected(error)


def whole_parser() -> Parser:
    """The parser of ``spinect`` with all its commands."""
    parser, commands = command_parser()
    for command in COMMANDS:
        command.add(commands)
    return parser


def _refused(error: OSError) -> SpinectError:
    """A path that the system did not let us look at, where nobody knew better what it was for."""
    return UsageError(
        f"The system refuses this file or folder ({error.strerror or error})",
        "Choose another path, or one that you may read and write",
        os.fsdecode(error.filename) if isinstance(error.filename, (str, bytes)) else str(error.filename),
    )


def _report(error: SpinectError, options: argparse.Namespace | None = None) -> int:
    _say(_message(error, options))
    return error.exit_code


def _message(error: SpinectError, options: argparse.Namespace | None) -> str:
    """The error's message with the option of the command in place of the setting, or behind the remedy."""
    flag = options.parser.flag_of(error.parameter) if options and error.parameter else None
    if flag is None:
        return str(error)
    if error.subject and not error.source:
        return f"{flag}: {error.fault}. {error.remedy}."
    return f"{str(error).removesuffix('.')} ({flag})."


def _report_unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.filename is not None:
        return _report(_refused(error))
    log = write_log(error)
    where = f"The log is {log}" if log else "Run it again with --debug for the details"
    _say(f"unexpected {type(error).__name__}: {error}. {where}; please report it.")
    return UNEXPECTED


def _say(message: str) -> None:
    # One line, whatever is in it; a terminal that was closed hears nothing of it.
    with contextlib.suppress(OSError):
        print(f"spinect: error: {' '.join(message.split())}", file=sys.stderr, flush=True)
