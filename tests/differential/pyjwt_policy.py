#!/usr/bin/env python3
"""Validates access tokens with PyJWT under the contract's policy (docs/contract.md, C4 and C5).

Reads JSON lines: first {"profiles": [...]}, then {"profile": NAME, "token": TEXT}. Writes a JSON line per token:
{"answer": "accept" | "forbid" | "refuse", "subject": TEXT, "reason": TEXT}.

PyJWT is the core: form, signature, and all claims that it knows. What it does not know is checked around it, from the
contract's text and not from the other implementation. The clock stands still, at the profile's "now".
"""

import datetime
import json
import sys
import warnings

import jwt
import jwt.api_jwt

MAX_BYTES = 8192
MAX_LEVELS = 16
MAX_SUBJECT = 255
REFUSED_HEADERS = ("crit", "b64", "zip")
TYPES = ("jwt", "at+jwt", "application/at+jwt")
PURPOSE_CLAIMS = ("type", "token_use", "token_type", "typ")
OTHER_PURPOSES = ("refresh", "refresh_token", "offline", "id", "id_token", "logout")


class Refused(Exception):
    """A token violates a rule of the contract that PyJWT does not have."""


def stop_the_clock(now):
    class Stopped(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(now, tz)

    jwt.api_jwt.datetime = Stopped


def judge(profile, token):
    if len(token.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise Refused("too long")
    if "=" in token:
        raise Refused("padding")
    stop_the_clock(profile["now"])
    decoded = verified(profile, token)
    check_header(profile, strict_object(token.split(".")[0]))
    claims = strict_object(token.split(".")[1])
    check_claims(profile, claims)
    subject = claims.get(profile["subject_claim"])
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT:
        raise Refused("subject")
    if any(is_control(character) for character in subject):
        raise Refused("subject")
    met = all(claims.get(name) in values for name, values in profile["required"] if isinstance(claims.get(name), str))
    there = all(isinstance(claims.get(name), str) for name, _ in profile["required"])
    return ("accept" if met and there else "forbid"), subject, decoded


def verified(profile, token):
    """Returns the claims if one of the keys verifies the token. PyJWT accepts one key per call."""
    problem = None
    for key in profile["keys"]:
        try:
            return jwt.decode(
                token,
                key,
                algorithms=[profile["algorithm"]],
                audience=profile["audience"],
                issuer=profile["issuer"],
                leeway=profile["leeway"],
                options={"require": ["exp"]},
            )
        except jwt.InvalidSignatureError as error:
            problem = error
    raise problem


def strict_object(part):
    """Parses a part as a JSON object without duplicate names."""

    def pairs(members):
        if len({name for name, _ in members}) != len(members):
            raise Refused("a duplicate name")
        return dict(members)

    text = jwt.utils.base64url_decode(part).decode("utf-8")
    value = json.loads(text, object_pairs_hook=pairs)
    if depth(value) > MAX_LEVELS:
        raise Refused("nested too deep")
    return value


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


def check_header(profile, header):
    for name in ("alg", "typ", "cty", "kid"):
        if name in header and not isinstance(header[name], str):
            raise Refused(f"{name} is not a string")
    if any(name in header for name in REFUSED_HEADERS):
        raise Refused("crit, b64 or zip")
    if "typ" in header and ascii_lower(header["typ"]) not in TYPES:
        raise Refused("typ")
    if "cty" in header and ascii_lower(header["cty"].split(";")[0].strip()) in ("jwt", "application/jwt"):
        raise Refused("cty")


def check_claims(profile, claims):
    for name in ("sub", "iss", "jti"):
        if name in claims and not isinstance(claims[name], str):
            raise Refused(f"{name} is not a string")
    for name in ("exp", "nbf", "iat"):
        if name in claims and (isinstance(claims[name], bool) or not isinstance(claims[name], (int, float))):
            raise Refused(f"{name} is not a number")
        if name in claims and claims[name] < 0:
            raise Refused(f"{name} is not a date")
    if claims["exp"] > profile["now"] + profile["leeway"] + profile["max_lifetime"]:
        raise Refused("lives too long")
    if "aud" in claims and profile["audience"] is None:
        raise Refused("an audience where none is configured")
    for name in PURPOSE_CLAIMS:
        value = claims.get(name)
        for purpose in value if isinstance(value, list) else [value]:
            if isinstance(purpose, str) and ascii_lower(purpose) in OTHER_PURPOSES:
                raise Refused("for another purpose")


def ascii_lower(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def is_control(character):
    return ord(character) < 32 or 127 <= ord(character) < 160


def answer(profile, token):
    try:
        verdict, subject, _ = judge(profile, token)
    except (Refused, jwt.PyJWTError) as error:
        return {"answer": "refuse", "subject": "", "reason": f"{type(error).__name__}: {error}"}
    except Exception as error:  # PyJWT raises other errors too, for instance RecursionError and UnicodeDecodeError.
        return {"answer": "refuse", "subject": "", "reason": f"crash {type(error).__name__}: {error}"}
    # Replaces an unpaired surrogate, which UTF-8 cannot encode.
    return {"answer": verdict, "subject": subject.encode("utf-8", "replace").decode("utf-8"), "reason": ""}


def main():
    warnings.simplefilter("ignore")
    profiles = {profile["name"]: profile for profile in json.loads(sys.stdin.readline())["profiles"]}
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answer(profiles[asked["profile"]], asked["token"])))


if __name__ == "__main__":
    main()
