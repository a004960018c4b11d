"""Takes out of Python sources whatever is named for something: each time the smallest piece that can go."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COLLECTIONS = (ast.List, ast.Tuple, ast.Set)


@attrs.define
class Cutter:
    """Cuts what one of `words` names. `gone` holds what was cut so far, as `module.name`: its users go too."""

    words: Sequence[str]
    gone: set[str] = attrs.field(factory=set)

    def names(self, text: str) -> bool:
        """Whether a name is made of one of the words: MongoPool, SUBJECT_MONGO, pymongo."""
        return any(word in text.lower() for word in self.words)

    def says(self, text: str) -> bool:
        """Whether a text has one of the words, and not just a longer one: mongo, and not mongodb."""
        return any(re.search(rf"(?<![a-z]){word}(?![a-z])", text.lower()) for word in self.words)

    def cut(self, file: Path, module: str) -> bool:
        """Rewrite a file without what is named so; whether there was any."""
        source = file.read_text()
        edits = list(_Cut(self, module, source).of_body(ast.parse(source).body))
        if not edits:
            return False
        lines = [*source.encode().splitlines(keepends=True), b""]
        # From the end, so that places before stay what they are.
        for start, end, text in sorted(edits, reverse=True):
            head, tail = lines[start[0] - 1][: start[1]], lines[end[0] - 1][end[1] :]
            lines[start[0] - 1 : end[0]] = (head + text.encode() + tail).splitlines(keepends=True) or [b""]
        file.write_bytes(b"".join(lines))
        return True


Place = tuple[int, int]
Edit = tuple[Place, Place, str]


@attrs.define
class _Cut:
    cutter: Cutter
    module: str
    source: str
    local: set[str] = attrs.field(factory=set)

    def of_body(self, body: Sequence[ast.stmt], *, top: bool = True) -> Iterator[Edit]:
        """The edits of a module or class; `top` is where names are that others import."""
        if top:
            self.local = {name.rpartition(".")[2] for name in self.cutter.gone if name.startswith(f"{self.module}.")}
        removed: ast.stmt | None = None
        for statement in body:
            is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            if is_text and removed is not None and isinstance(removed, ast.Assign | ast.AnnAssign):
                yield _whole(statement)
                removed = None
                continue
            edits = list(self._of_statement(statement))
            removed = statement if edits == [_whole(statement)] else None
            yield from edits

    def _of_statement(self, statement: ast.stmt) -> Iterator[Edit]:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from self._of_import(statement)
        elif any(self.cutter.names(name) for name in _bound(statement)):
            yield self._removed(statement)
        elif isinstance(statement, ast.ClassDef):
            yield from self.of_body(statement.body, top=False)
        elif self._mentions(statement):
            edits = list(self._inside(statement))
            yield from edits or [self._removed(statement)]

    def _of_import(self, statement: ast.Import | ast.ImportFrom) -> Iterator[Edit]:
        module = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
        every = self.cutter.names(module)
        bad = [
            each
            for each in statement.names
            if every or self.cutter.names(f"{each.name} {each.asname}") or module + each.name in self.cutter.gone
        ]
        self.local |= {each.asname or each.name for each in bad}
        if len(bad) == len(statement.names):
            yield _whole(statement)
        elif bad:
            kept = ", ".join(ast.unparse(each) for each in statement.names if each not in bad)
            yield (*_span(statement), f"from {module.rstrip('.')} import {kept}" if module else f"import {kept}")

    def _inside(self, node: ast.AST) -> Iterator[Edit]:
        """Edits that leave the statement whole; none where what names it cannot be taken out alone."""
        if isinstance(node, ast.Subscript):
            return  # what stands in brackets are parameters of a type: none of them can be left out
        pieces: list[Edit] = []
        for child in ast.iter_child_nodes(node):
            if not self._mentions(child):
                continue
            edit = self._shorter(child)
            found = [edit] if edit is not None else list(self._inside(child))
            if not found:
                return
            pieces += found
        yield from pieces

    def _shorter(self, node: ast.AST) -> Edit | None:
        """A collection without the elements, or a call without the keywords, that are named so."""
        if isinstance(node, COLLECTIONS):
            return self._collection(node, [self._text(each) for each in node.elts if not self._mentions(each)])
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            texts = [self._pair(key, value) for key, value in pairs if not self._is_named_pair(key, value)]
            return (*_span(node), "{" + ", ".join(texts) + "}")
        if isinstance(node, ast.Call):
            kept = [each for each in node.keywords if not self.cutter.names(each.arg or "")]
            if len(kept) < len(node.keywords) and not any(map(self._mentions, [node.func, *node.args, *kept])):
                arguments = ", ".join(self._text(each) for each in [*node.args, *kept])
                return (*_span(node), f"{self._text(node.func)}({arguments})")
        return None

    def _pair(self, key: ast.expr | None, value: ast.expr) -> str:
        return f"**{self._text(value)}" if key is None else f"{self._text(key)}: {self._text(value)}"

    def _is_named_pair(self, key: ast.expr | None, value: ast.expr) -> bool:
        return self._mentions(value) or (key is not None and self._mentions(key))

    def _collection(self, node: ast.expr, texts: list[str]) -> Edit:
        inside = ", ".join(texts)
        if isinstance(node, ast.Tuple):
            return (*_span(node), f"({inside}{',' if len(texts) == 1 else ''})")
        return (*_span(node), f"[{inside}]" if isinstance(node, ast.List) else f"{{{inside}}}")

    def _mentions(self, node: ast.AST) -> bool:
        return any(self._is_named(each) for each in ast.walk(node))

    def _is_named(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name):
                return name in self.local or self.cutter.names(name)
            case ast.Attribute(attr=name) | ast.arg(arg=name) | ast.FunctionDef(name=name):
                return self.cutter.names(name) or name in self.local
            case ast.keyword(arg=str(name)):
                return self.cutter.names(name)
            case ast.Constant(value=str(text)):
                return self.cutter.says(text)
        return False

    def _removed(self, statement: ast.stmt) -> Edit:
        for name in _bound(statement):
            self.local.add(name)
            self.cutter.gone.add(f"{self.module}.{name}")
        return _whole(statement)

    def _text(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.source, node) or ""


def _bound(statement: ast.stmt) -> list[str]:
    """The names that a statement makes."""
    if isinstance(statement, BLOCKS):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _span(node: ast.stmt | ast.expr) -> tuple[Place, Place]:
    return (node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0)


def _whole(statement: ast.stmt) -> Edit:
    start, end = _span(statement)
    decorators = getattr(statement, "decorator_list", [])
    if decorators:
        start = (decorators[0].lineno, decorators[0].col_offset - 1)
    return start, end, ""
