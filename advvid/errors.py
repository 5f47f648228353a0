"""The one exception that users are meant to read."""


class InputError(ValueError):
    """What the caller handed in cannot be used.

    The message is one line: what came, what was wanted, what to do. The command line prints it
    without a traceback and exits with code 2.
    """
