"""The exception for mistakes that a user can mend."""

import logging
from functools import cache


class UserError(Exception):
    """A mistake in what the user asked for; the message is one sentence that says what to do.

    Scripts print the message and exit with code 2; library code never catches it.
    """


class UnknownNameError(UserError, KeyError):
    """A name that is not registered; the message lists the names that are."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        """``kind`` says what was looked up ("task", "observation segment"), ``known`` what there is."""
        super().__init__(f"unknown {kind} '{name}'; choose one of: {', '.join(known) if known else '(none)'}")

    def __str__(self) -> str:
        # KeyError would print the repr of the message, quotes and all.
        return str(self.args[0])


@cache
def say_once(logger: logging.Logger, sentence: str) -> None:
    """Warn with ``sentence``, but not again in this process: many worlds and repetitions meet the same."""
    logger.warning("%s", sentence)
