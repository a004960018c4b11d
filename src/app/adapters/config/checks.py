"""What validators demand of a setting, in words: for an operator who broke it, and for the table of settings."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from app.adapters.config.parsing import to_text
from app.adapters.config.secret import Secret
from app.adapters.config.setting import Validator


@attrs.frozen
class Demand:
    """A validator of our own: what it demands, and whether a value satisfies it."""

    words: str
    accepts: Callable[[Any], bool]

    def __call__(self, instance: object, attribute: object, value: Any) -> None:
        if not self.accepts(value):
            raise ValueError(self.words)


def min_bytes(size: int) -> Demand:
    """A secret of at least `size` bytes in UTF-8."""

    def long_enough(secret: Secret) -> bool:
        return len(secret.reveal().encode()) >= size

    return Demand(f"at least {size} bytes", long_enough)


def _is_web_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and "@" not in url.netloc and url.port != 0
    except ValueError:
        return False


web_address = Demand("an http or https URL without user or password", _is_web_address)


def _is_header_value(value: str | Secret | Mapping[str, Secret]) -> bool:
    if isinstance(value, Mapping):
        return all(_is_header_value(each) for each in value.values())
    text = value.reveal() if isinstance(value, Secret) else value
    return text.isascii() and text.isprintable() and text == text.strip() != ""


header_value = Demand("printable ASCII, with no space around it", _is_header_value)


# attrs gives its validators no public names. pyproject.toml pins attrs, and a test reads each name that stands here.


def parts(validator: Any) -> Iterator[Validator]:
    """The single validators that one is made of; None has none."""
    match type(validator).__name__:
        case "NoneType":
            return
        case "_AndValidator":
            for part in validator._validators:
                yield from parts(part)
        case "_OptionalValidator":
            yield from parts(validator.validator)
        case _:
            yield validator


def words(validator: Any) -> str:
    """What a single validator demands: `>= 1`, `at least 32 bytes`. Raises TypeError for one that is not known here."""
    match type(validator).__name__:
        case "Demand":
            return str(validator.words)
        case "_NumberValidator":
            return f"{validator.compare_op} {validator.bound}"
        case "_InValidator":
            return " | ".join(to_text(option) for option in validator.options)
        case "_MinLengthValidator":
            return "not empty" if validator.min_length == 1 else f"a length of at least {validator.min_length}"
        case "_MaxLengthValidator":
            return f"a length of at most {validator.max_length}"
        case "_MatchesReValidator":
            return f"in the form {validator.pattern.pattern}"
        case _:
            raise TypeError(f"a validator that cannot be described: {validator!r}; use a Demand")


def check(attribute: "attrs.Attribute[Any]", value: Any) -> None:
    """Run the validators of a field. Raises ValueError with what the first failing one demands, not with the value."""
    if value is None:
        return
    for validator in parts(attribute.validator):
        try:
            validator(None, attribute, value)
        except (ValueError, TypeError):
            raise ValueError(f"must be {words(validator)}") from None
