"""``python -m toolkit`` and the command ``csgd``: runs a command and turns what goes wrong into an exit code.

0: fine; 1: a claim's verdict differs from the expected one; 2: wrong use; 3: the environment lacks something; 130:
interrupted.
"""

from __future__ import annotations

import errno
import sys
from typing import NoReturn

import click

from toolkit.cli import csgd
from toolkit.errors import EnvironmentLack, ToolkitError

__all__ = ["main"]

# What the operating system says when there is no room or no right: nothing a traceback would help with.
_LACKS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENOMEM}


def main() -> NoReturn:
    """Run the command line and exit."""
    try:
        sys.exit(csgd.main(prog_name="csgd", standalone_mode=False))
    except click.Abort:
        _fail("interrupted", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except ToolkitError as error:
        _fail(" ".join([str(error), *getattr(error, "__notes__", ())]), error.exit_code)
    except MemoryError as error:
        lack = EnvironmentLack("this command", f"there is not enough memory ({error})", "ask for less at a time")
        _fail(str(lack), lack.exit_code)
    except ImportError as error:
        lack = EnvironmentLack(f"importing {error.name}", str(error), "see `csgd doctor` for what is missing or hidden")
        _fail(str(lack), lack.exit_code)
    except OSError as error:
        if error.errno not in _LACKS:
            raise
        lack = EnvironmentLack(
            str(error.filename or "this command"), str(error.strerror), "free what is short, or choose another place"
        )
        _fail(str(lack), lack.exit_code)


def _fail(message: str, exit_code: int) -> NoReturn:
    click.echo(f"csgd: {message}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
