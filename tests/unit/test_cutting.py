"""What is cut out of a source, and what of it is left."""

from pathlib import Path
from textwrap import dedent

import pytest

from scripts.cutting import Cutter

CASES = {
    "an import": ("from a.mongo import x\nimport os\n", "import os"),
    "one of the names of an import": ("from a import b, MongoPool\n", "from a import b"),
    "what is called so, with its docstring": ('MONGO = 1\n"""What it is."""\nLEFT = 2\n', "LEFT = 2"),
    "an item of a dict": ('x = {"a": 1, "mongo": 2}\n', 'x = {"a": 1}'),
    "an element, and one is a tuple still": ("x = (a, Mongo)\n", "x = (a,)"),
    "an argument": ("x = f(a, b=1, mongo=mongo.provider)\n", "x = f(a, b=1)"),
    "a field of a class": ("class A:\n    mongo: int\n    b: int\n", "class A:\n    \n    b: int"),
    "a test that uses what was imported": (
        "from a.mongo import pool\ndef test_a():\n    pool()\ndef test_b(): ...\n",
        "def test_b(): ...",
    ),
    "a type with it in brackets": ("def f():\n    x: dict[str, Mongo] = {}\ny = 1\n", "y = 1"),
    "a case of a test": (
        '@parametrize("a", ["mongo", "b"])\ndef test(a): ...\n',
        '@parametrize("a", ["b"])\ndef test(a): ...',
    ),
    "nothing of a longer word": ('x = "mongodb://host"\n', 'x = "mongodb://host"'),
}


def cut(cutter: Cutter, file: Path, source: str) -> str:
    file.write_text(dedent(source))
    cutter.cut(file, file.stem)
    return file.read_text().strip()


@pytest.mark.parametrize(("source", "left"), CASES.values(), ids=CASES)
def test_the_smallest_piece_goes(tmp_path: Path, source: str, left: str) -> None:
    assert cut(Cutter(["mongo"]), tmp_path / "a.py", source) == left


def test_who_imports_what_was_cut_loses_it_too(tmp_path: Path) -> None:
    cutter = Cutter(["mongo"])
    assert cut(cutter, tmp_path / "a.py", "def helper():\n    return Mongo()\n") == ""
    assert cut(cutter, tmp_path / "b.py", "from a import helper\ndef test():\n    helper()\nx = 1\n") == "x = 1"


def test_text_that_is_not_ascii_is_left_as_it_is(tmp_path: Path) -> None:
    source = 'x = ["é…", "mongo", "ü"]\n'
    assert cut(Cutter(["mongo"]), tmp_path / "a.py", source) == 'x = ["é…", "ü"]'
