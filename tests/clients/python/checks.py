"""Prints the passed checks of a program, one per line, and exits at the first failed check."""

import sys

import stripe

_count = 0


def check(name, passed, found=None):
    """Prints a passed check, or exits if it failed. `found` is the actual value."""
    global _count
    if not passed:
        sys.exit(f"failed: {name}\nfound: {found}")
    _count += 1
    print(f"check: {name}", flush=True)


def check_equal(name, found, expected):
    """Checks that two values are equal."""
    check(name, found == expected, f"{found!r}, not {expected!r}")


def expect_error(name, call):
    """Expects a call to raise, and returns the error."""
    try:
        answer = call()
    except stripe.StripeError as error:
        return error
    return sys.exit(f"no error: {name}\nfound: {answer}")


def done():
    """Prints the count as the last line. It is missing if the program ended early."""
    print(f"{_count} checks")
