"""From bytes to a request, or to a problem that says where the body is wrong."""

import json
import re
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from features.mistakes import Mistake
from serving.api.problems import MALFORMED, UNFIT, Problem

Request = TypeVar("Request")
Path = list[str | int]
_SHOWN_CHARACTERS = 80
_MESSAGE = re.compile(r"(?P<said>.*?)(?: - at `\$?(?P<path>.*)`)?", re.DOTALL)
_FIELD = re.compile(r"Object (contains unknown|missing required) field `(.*)`", re.DOTALL)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")
_PLAIN = {
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "bool": "true or false",
}


def decoded(body: bytes, of: type[Request]) -> Request:
    """Return the request that a body holds; nothing is converted, numbers as text are refused.

    Raises
    ------
    Problem
        If the body is no JSON (400), or not of this type (422, naming key and value).
    """
    try:
        return msgspec.json.decode(body, type=of)
    except msgspec.ValidationError as error:
        raise _unfit(_parsed(body), of, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from error


def shown(value: object) -> str:
    """Return a value of JSON for a message, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace").decode()
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 3]}..."


def _parsed(body: bytes) -> Any:
    """Return the whole body without types; numbers beyond range are not looked at."""
    try:
        return json.loads(body, parse_constant=_refused, parse_int=_number)
    except (ValueError, RecursionError) as error:
        raise _malformed(error) from error


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


def _number(digits: str) -> int | str:
    """Return a whole number, as text where it is endless."""
    return int(digits) if len(digits) <= _SHOWN_CHARACTERS else digits


def _malformed(error: Exception) -> Problem:
    said = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Problem(MALFORMED, f"The body cannot be read: {said}. Send JSON (RFC 8259) in UTF-8.")


def _unfit(body: Any, of: type, message: str) -> Problem:
    found = _MESSAGE.fullmatch(message)
    said, path = (found["said"], _steps(found["path"] or "")) if found else (message, [])
    field = _FIELD.fullmatch(said)
    if field is None:
        mistake = Mistake(_key(path), shown(_value_at(body, path)), _expectation(said))
    elif field[1] == "missing required":
        mistake = Mistake(_key([*path, field[2]]), "missing", "give it")
    else:
        value = shown(_value_at(body, [*path, field[2]]))
        mistake = Mistake(_key([*path, field[2]]), value, _known_fields(of, path))
    return Problem(UNFIT, f"{mistake}.", [mistake])


def _steps(path: str) -> Path:
    return [int(index) if index else name for name, index in _STEP.findall(path)]


def _key(path: Path) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "body"


def _value_at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return value
    return value


def _expectation(said: str) -> str:
    if " matching regex " in said:
        # There is one pattern in what calls may say.
        return "expected text without NUL bytes"
    if not said.startswith("Expected"):
        return f"expected a number in range ({said[:1].lower()}{said[1:]})"
    wanted = said.removeprefix("Expected ").partition(", got")[0].replace("`", "")
    named = re.sub(r"[a-z]+", lambda word: _PLAIN.get(word[0], word[0]), wanted)
    return f"expected {named.replace(' | ', ' or ')}"


def _known_fields(of: type, path: Path) -> str:
    info: inspect.Type = inspect.type_info(of)
    for step in path:
        if isinstance(info, inspect.StructType) and isinstance(step, str):
            field = next(field for field in info.fields if field.encode_name == step)
            info = _innermost(field.type)
    fields = info.fields if isinstance(info, inspect.StructType) else ()
    return f"no such field; expected one of {', '.join(field.encode_name for field in fields)}"


def _innermost(info: inspect.Type) -> inspect.Type:
    """Return the object that a field holds, in a list or as an alternative to others."""
    if isinstance(info, inspect.ListType):
        return _innermost(info.item_type)
    if isinstance(info, inspect.UnionType):
        held = [_innermost(one) for one in info.types]
        return next((one for one in held if isinstance(one, inspect.StructType)), info)
    return info
