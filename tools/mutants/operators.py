"""What is done to the code: mutmut's operators and three more, where a fault could matter.

mutmut changes constants, operators, arguments and assignments. What most of our code does is call:
so a call that nobody makes, a condition the wrong way round, and an answer that never comes are
faults too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_swap_op

_PASS = cst.Pass()
_LOGS = m.Attribute(value=m.Name("log") | m.Name("_log") | m.Name("logger"))
#: Statements that say something to who reads or checks the code, and nothing to who runs it.
_SAYS_NOTHING = m.SimpleStatementLine(
    body=[
        m.Expr(m.SimpleString() | m.ConcatenatedString())  # a docstring
        | m.Expr(m.Await(m.Call(func=_LOGS)) | m.Call(func=_LOGS))  # a line of the log
        | m.Assign(targets=[m.AssignTarget(m.Name("__all__") | m.Name("__slots__"))])
        | m.Assign(value=m.Call(func=m.Name("TypeVar") | m.Name("ParamSpec") | m.Name("NewType")))
        | m.Assign(value=m.Call(func=m.Name("get_logger")))
        # Words for people: what a client may rely on is the reason beside them.
        | m.Assign(targets=[m.AssignTarget(m.Name("detail"))], value=m.SimpleString())
        | m.Assert()  # narrows a type, states what cannot be
    ]
)
#: Nodes that this operator of mutmut's asks for, one by one and slowly.
_SWAPS = (
    cst.BinaryOperation,
    cst.UnaryOperation,
    cst.BooleanOperation,
    cst.ComparisonTarget,
    cst.AugAssign,
)
#: To who asks whether it is true, None is the same.
_NOTHING = m.Name("None") | m.Name("False")
_TYPE_CHECKING = m.If(test=m.Name("TYPE_CHECKING"))
_PROTOCOL = m.ClassDef(bases=[m.ZeroOrMore(), m.Arg(m.Name("Protocol")), m.ZeroOrMore()])
#: Calls of which the arguments are for types or people: help texts of metrics and settings.
_FOR_PEOPLE = {"cast", "Counter", "Gauge", "Histogram", "isinstance"}


@dataclass(frozen=True, slots=True)
class Place:
    """One fault that could be put in; `within` is what it would be put into."""

    kind: str
    line: int
    last_line: int
    #: Outside of functions: the name that is given a value, ``.name`` for a class's field; the class.
    assigned: tuple[str, ...]
    within: cst.Module
    node: cst.CSTNode
    becomes: cst.CSTNode

    def code(self) -> str:
        """The whole file with the fault in."""
        changed = self.within.deep_replace(self.node, self.becomes)
        assert isinstance(changed, cst.Module)
        return changed.code


def places(source: str) -> list[Place]:
    """Every fault that could be put into a file, in the order of its text."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    finder = _Finder(wrapper.module)
    wrapper.visit(finder)
    return finder.places


class _Finder(cst.CSTVisitor):
    METADATA_DEPENDENCIES = (PositionProvider,)

    def __init__(self, module: cst.Module) -> None:
        self.places: list[Place] = []
        self._module = module
        self._statements: list[cst.CSTNode] = []
        self._functions = 0
        self._classes: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.ClassDef):
            self._classes.append(node.name.value)
        if _is_left_alone(node):
            return False
        if isinstance(node, cst.FunctionDef):
            self._functions += 1
        if isinstance(node, cst.BaseStatement):
            self._statements.append(node)
        self.places += [self._place(kind, node, becomes) for kind, becomes in _faults(node)]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef):
            self._functions -= 1
        if isinstance(original_node, cst.ClassDef):
            self._classes.pop()
        if self._statements and self._statements[-1] is original_node:
            self._statements.pop()

    def _place(self, kind: str, node: cst.CSTNode, becomes: cst.CSTNode) -> Place:
        statement = self._statements[-1]
        position = self.get_metadata(PositionProvider, node, None)
        is_simple = isinstance(statement, cst.SimpleStatementLine)
        if position is None or is_simple:
            position = self.get_metadata(PositionProvider, statement)
        # Of a compound statement the line at hand, of a simple one all that it is written on.
        last = position.end.line if is_simple else position.start.line
        assigned = () if self._functions else tuple(_assigned(statement, self._classes))
        return Place(kind, position.start.line, last, assigned, self._module, node, becomes)


def _is_left_alone(node: cst.CSTNode) -> bool:
    match node:
        case cst.Arg(keyword=cst.Name(value="name"), value=cst.FormattedString()):
            return True  # a task's, for who reads a list of them
        case cst.Annotation() | cst.Decorator():
            return True
        case cst.SimpleStatementLine():
            return m.matches(node, _SAYS_NOTHING)
        case cst.If():
            return m.matches(node, _TYPE_CHECKING)
        case cst.ClassDef():
            return m.matches(node, _PROTOCOL)
        case cst.Call():
            return _called(node) in _FOR_PEOPLE
    return False


def _called(node: cst.Call) -> str:
    return node.func.value if isinstance(node.func, cst.Name) else ""


def _assigned(statement: cst.CSTNode, classes: list[str]) -> Iterator[str]:
    if isinstance(statement, cst.SimpleStatementLine):
        match statement.body[0]:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]) if not classes:
                yield name
            case cst.AnnAssign(target=cst.Name(value=name)):
                yield f".{name}" if classes else name
    # What else a class says of itself matters to who names the class.
    yield from classes[-1:]


def _faults(node: cst.CSTNode) -> Iterator[tuple[str, cst.CSTNode]]:
    for kind, operator in mutation_operators:
        if isinstance(node, kind) and (
            operator is not operator_swap_op or isinstance(node, _SWAPS)
        ):
            name = operator.__name__.removeprefix("operator_")
            yield from ((name, becomes) for becomes in _sensible(node, operator(node)))
    match node:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call() | cst.Await())]):
            yield "call_not_made", node.with_changes(body=[_PASS])
        case cst.If() | cst.While() if not m.matches(node.test, m.Name("True")):
            negated = cst.UnaryOperation(cst.Not(), _in_parentheses(node.test))
            yield "condition", node.with_changes(test=negated)
        case cst.Return(value=cst.BaseExpression() as value) if not m.matches(value, _NOTHING):
            yield "return", node.with_changes(value=cst.Name("None"))


def _in_parentheses(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.with_changes(
        lpar=[cst.LeftParen(), *node.lpar], rpar=[*node.rpar, cst.RightParen()]
    )


def _sensible(node: cst.CSTNode, made: Iterable[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """Without what fails wherever it is reached, and what differs from another in nothing."""
    for index, becomes in enumerate(made):
        if isinstance(node, cst.SimpleString) and index:
            continue  # upper and lower case beside XX around it
        if (
            isinstance(node, cst.Call)
            and isinstance(becomes, cst.Call)
            and len(becomes.args) < len(node.args)
            and any(arg.keyword is None and arg.star == "" for arg in _missing(node, becomes))
        ):
            continue  # a call that fits no signature
        yield becomes


def _missing(node: cst.Call, becomes: cst.Call) -> list[cst.Arg]:
    kept = {id(arg) for arg in becomes.args}
    return [arg for arg in node.args if id(arg) not in kept]
