"""The contract type `only`, on a graph made for it."""

from grimp import ImportGraph
from importlinter.domain.contract import ContractCheck

from tools.contracts import OnlyContract


def check(graph: ImportGraph, **options: list[str]) -> ContractCheck:
    session = {"root_packages": ["notes_service"]}
    contract = OnlyContract("name", session, {"type": "only", **options})
    return contract.check(graph, verbose=False)


def graph_of(importer: str, imported: str) -> ImportGraph:
    graph = ImportGraph()
    graph.add_module(importer)
    graph.add_module(imported)
    graph.add_import(importer=importer, imported=imported)
    return graph


def test_the_standard_library_and_ones_own_package_are_admitted() -> None:
    for imported in ("dataclasses", "collections.abc", "notes_service.domain.text"):
        graph = graph_of("notes_service.domain.note", imported)
        assert check(graph, modules=["*_service.domain"]).kept


def test_anything_else_is_refused_and_named() -> None:
    graph = graph_of("notes_service.domain.note", "sqlalchemy.sql")
    result = check(graph, modules=["*_service.domain"])
    assert not result.kept
    assert result.metadata["found"] == [("notes_service.domain.note", "sqlalchemy.sql")]


def test_what_is_allowed_covers_what_lies_below_and_not_what_begins_alike() -> None:
    allowed = ["{service}.domain", "chassis.ids", "notes_service.*.store"]
    for imported, kept in {
        "notes_service.tags.store.rows": True,
        "notes_service.tags.rpc": False,
        "notes_service.domain.note": True,
        "chassis.ids": True,
        "chassis.ids_and_more": False,
        "notes_service.store": False,
    }.items():
        graph = graph_of("notes_service.usecases.notes", imported)
        result = check(graph, modules=["*_service.usecases"], allowed=allowed)
        assert result.kept == kept


def test_modules_outside_of_the_contract_are_left_alone() -> None:
    graph = graph_of("notes_service.store.notes", "sqlalchemy")
    assert check(graph, modules=["*_service.domain"]).kept
