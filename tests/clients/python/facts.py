"""What a program found true: a line each, and the end of the program at the first that is not."""

import sys

import stripe

_count = 0


def fact(name, holds, seen=None):
    """Says that a fact holds, or ends the program where it does not; `seen` is what was found instead."""
    global _count
    if not holds:
        sys.exit(f"not so: {name}\nfound: {seen}")
    _count += 1
    print(f"fact: {name}", flush=True)


def same(name, found, expected):
    """Says that two values are the same."""
    fact(name, found == expected, f"{found!r}, not {expected!r}")


def refused(name, call):
    """Expects that this fails, and gives the error."""
    try:
        answer = call()
    except stripe.StripeError as error:
        return error
    return sys.exit(f"not refused: {name}\nfound: {answer}")


def done():
    """The last line: a program that ended early has none."""
    print(f"{_count} facts")
