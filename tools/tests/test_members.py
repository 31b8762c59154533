"""The members as the tools see them."""

from tools.members import members, with_requirements


def test_a_member_comes_after_those_it_depends_on() -> None:
    seen: set[str] = set()
    for member in members():
        assert seen.issuperset(member.requires)
        seen.add(member.name)


def test_a_service_needs_chassis_the_kit_and_the_contracts_and_no_other_service() -> None:
    everyone = members()
    (notes,) = (member for member in everyone if member.package == "notes_service")
    needed = {member.package for member in with_requirements(notes, everyone)}
    assert needed == {"parley", "chassis", "servicekit", "notes_service"}


def test_every_package_says_that_it_is_typed() -> None:
    for member in members():
        assert (member.folder / "src" / member.package / "py.typed").is_file()
