"""Reading JSON that nobody trusts yet: bounded, finite, of exactly the fields expected."""

import json
from collections.abc import Mapping
from types import UnionType
from typing import Any

from mintmark.core.errors import InputError

MAX_JSON = 4 << 20  # characters or bytes; real records have a few thousand


def parse_json(content: bytes | str, what: str) -> Any:
    """Reads JSON from an untrusted source.

    Args:
        content: The text, UTF-8 where it is bytes.
        what: What it is, for the message: "config.json".

    Returns:
        The value; every number in it is finite and every text encodable.

    Raises:
        InputError: It is too long, not JSON, or holds NaN or half a character.
    """
    if len(content) > MAX_JSON:
        raise InputError(f"{what} is longer than {MAX_JSON >> 20} MB; it is no record of Mintmark.")
    try:
        value = json.loads(content)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # NaN, lone surrogates
    except (ValueError, RecursionError) as error:
        raise InputError(f"{what} is not valid JSON; restore it from where it came.") from error
    return value


def check_fields(value: Any, kinds: Mapping[str, type | UnionType], what: str) -> Mapping[str, Any]:
    """Checks that a JSON value is an object of exactly these fields.

    Args:
        value: What `parse_json` returned, or a part of it.
        kinds: The type of each field; `int` takes no booleans.
        what: What it is, for the message.

    Returns:
        `value`.

    Raises:
        InputError: A field is absent, unknown or of another type.
    """
    if not isinstance(value, dict):
        raise InputError(f"{what} is not a JSON object; restore it from where it came.")
    if odd := sorted(set(kinds) ^ set(value)):
        state = "lacks" if odd[0] in kinds else "has the unknown field"
        raise InputError(f"{what} {state} {odd[0]!r}; restore it from where it came.")
    for name, kind in kinds.items():
        if not isinstance(value[name], kind) or (kind is int and isinstance(value[name], bool)):
            raise InputError(
                f"{what} has a value of the wrong type in {name!r}; restore it from where it came."
            )
    return value


def texts(value: list[Any], what: str) -> tuple[str, ...]:
    """A JSON list of texts as a tuple.

    Raises:
        InputError: An element is not a text.
    """
    if not all(isinstance(text, str) for text in value):
        raise InputError(f"{what} holds something that is not a text; restore it.")
    return tuple(value)
