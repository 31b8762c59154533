"""A contract type for import-linter: modules that may import only what is listed."""

import sys
from fnmatch import fnmatchcase

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Modules import the standard library, their own package, and what is `allowed`.

    Both are packages, patterns included (`*_service.domain`); one that does not exist is passed over. Only direct
    imports count.
    """

    type_name = "only"

    modules = fields.ListField(subfield=fields.StringField())
    allowed = fields.ListField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002
        found = [
            (importer, imported)
            for importer in sorted(graph.modules)
            for package in self._packages(importer)
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if not self._admits(package, imported)
        ]
        return ContractCheck(kept=not found, metadata={"found": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported in check.metadata["found"]:
            output.print_error(f"{importer} imports {imported}", bold=False)

    def _packages(self, module: str) -> list[str]:
        """The package of the contract that the module lies in, if it lies in one."""
        patterns: list[str] = self.modules  # type: ignore[assignment]
        return [name for name in _above(module) if any(fnmatchcase(name, p) for p in patterns)][:1]

    def _admits(self, package: str, imported: str) -> bool:
        allowed: list[str] = self.allowed or []  # type: ignore[assignment,truthy-bool]
        patterns = [package, *(a.replace("{service}", package.partition(".")[0]) for a in allowed)]
        return imported.partition(".")[0] in sys.stdlib_module_names or any(
            fnmatchcase(name, pattern) for name in _above(imported) for pattern in patterns
        )


def _above(module: str) -> list[str]:
    """The module, and the packages that it lies in."""
    parts = module.split(".")
    return [".".join(parts[:size]) for size in range(1, len(parts) + 1)]
