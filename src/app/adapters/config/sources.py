"""Where settings come from: the process environment and a `.env` file. Each is only read, and never written to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import attrs
from dotenv.parser import Binding, parse_stream

from app.adapters.config.setting import Key, variable

PREFIX = "APP_"
ENV_FILE = "APP_ENV_FILE"


@attrs.frozen
class Given:
    """A setting as somebody wrote it: the name they used, and where. The text may be a secret.

    `spell` names any setting as it would be written there.
    """

    key: Key
    name: str
    origin: str
    text: str = attrs.field(repr=False)
    spell: Callable[[Key], str] = attrs.field(default=variable, repr=False, eq=False)


@attrs.frozen
class Problem:
    """Something wrong with the settings: where, and what to do. Holds no values."""

    name: str
    origin: str
    message: str

    def __str__(self) -> str:
        return f"{self.name} ({self.origin}): {self.message}"


class SettingsError(Exception):
    """The settings are not usable; `problems` holds everything that is wrong with them, and no value of any."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["the settings are not usable:", *(f"  {problem}" for problem in problems)]))


@attrs.frozen
class Reading:
    """What a source has: its settings, and what could not be read of it."""

    values: tuple[Given, ...] = ()
    problems: tuple[Problem, ...] = ()


class Source(Protocol):
    """A place that holds settings; one that needs the network is asked before, and hands over what it got."""

    @property
    def name(self) -> str: ...

    def read(self) -> Reading:
        """All that it holds, with keys as `setting.Key`: lower case, one part per level. Raises nothing."""
        ...


def key_of(name: str) -> Key:
    """The key of an `APP_…` variable; for one that is not in capitals a key that no setting has."""
    return tuple(name.removeprefix(PREFIX).lower().split("__")) if name == name.upper() else (name,)


@attrs.frozen
class EnvironmentSource:
    """The `APP_…` variables of a process environment."""

    environ: Mapping[str, str] = attrs.field(repr=False)
    name: str = "environment"

    def read(self) -> Reading:
        return Reading(
            tuple(
                Given(key_of(name), name, self.name, text)
                for name, text in sorted(self.environ.items())
                if name.startswith(PREFIX) and name != ENV_FILE
            )
        )


@attrs.frozen
class DotEnvSource:
    """The `APP_…` lines of a `.env` file; others may stand there for other programs. Nothing in it is expanded."""

    path: Path
    name: str = ".env"
    required: bool = False

    def read(self) -> Reading:
        try:
            with self.path.open(encoding="utf-8") as lines:
                bindings = list(parse_stream(lines))
        except FileNotFoundError:
            return self._unreadable("there is no such file") if self.required else Reading()
        except UnicodeDecodeError:
            return self._unreadable("is not UTF-8")
        except OSError as error:
            return self._unreadable(error.strerror or "cannot be read")
        return self._reading(bindings)

    def _unreadable(self, why: str) -> Reading:
        return Reading(problems=(Problem(ENV_FILE, self.name, why),))

    def _reading(self, bindings: list[Binding]) -> Reading:
        values: dict[str, Given] = {}
        problems = []
        for binding in bindings:
            origin = f"{self.name} line {_line(binding)}"
            if binding.error or (binding.key is not None and binding.value is None):
                problems.append(Problem(self.name, origin, "is not of the form NAME=value"))
            elif binding.key in values:
                problems.append(Problem(binding.key, origin, f"was set before, in {values[binding.key].origin}"))
            elif binding.key and binding.key.startswith(PREFIX):
                values[binding.key] = Given(key_of(binding.key), binding.key, origin, binding.value or "")
        return Reading(tuple(values.values()), tuple(problems))


def _line(binding: Binding) -> int:
    """The line that a binding stands on: python-dotenv counts the blank lines before it as its own."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + blank.count("\n")


def standard_sources(environ: Mapping[str, str], directory: Path) -> Iterator[Source]:
    """The sources of a process, weakest first: a `.env` file, then its environment.

    The file is `APP_ENV_FILE`, and has to be there then, or else `.env` in `directory`, if there is one.
    """
    given = environ.get(ENV_FILE)
    yield DotEnvSource(directory / given, name=given, required=True) if given else DotEnvSource(directory / ".env")
    yield EnvironmentSource(environ)
