"""An import contract: which third-party libraries a part of the service may know."""

import sys
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class AllowedLibrariesContract(Contract):
    """Modules import only the standard library, the service itself and the libraries named in `allowed`.

    Import-linter's own `forbidden` contract would need the list of all others, and miss each new one.
    """

    type_name = "allowed_libraries"

    source_modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Collect the imports of other libraries; a source module that doesn't exist raises ValueError."""
        found = []
        for source in cast("list[str]", self.source_modules):
            if source not in graph.modules:
                raise ValueError(f"Module '{source}' does not exist.")
            for module in sorted({source} | graph.find_descendants(source)):
                found += [(module, library) for library in self._libraries_of(module, graph)]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print the imports that were found."""
        for module, library in check.metadata["found"]:
            output.print_error(f"- {module} -> {library}", bold=False)
        output.new_line()

    def _libraries_of(self, module: str, graph: ImportGraph) -> list[str]:
        own = cast("list[str]", self.session_options["root_packages"])
        known = {*sys.stdlib_module_names, *own, *cast("list[str]", self.allowed)}
        imported = graph.find_modules_directly_imported_by(module)
        return sorted(name for name in imported if name.partition(".")[0] not in known)
