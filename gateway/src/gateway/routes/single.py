"""What a request may say once is said once: of two, one would be taken, and nobody knows which was meant."""

from collections import Counter
from collections.abc import Callable

from fastapi.dependencies.models import Dependant
from pydantic import BaseModel
from starlette.requests import Request

from chassis.errors import FieldError, ValidationFailed
from gateway.routes.idempotency import IDEMPOTENCY_KEY


def single(dependant: Dependant) -> Callable[[Request], None]:
    """What looks at a request of a route that takes this. It raises ValidationFailed.

    Looked at are the parameters of the query that the route knows, none of which is a list, and its
    `Idempotency-Key`. Headers that are lists by their own rules may come in several lines.
    """
    query, headers = frozenset(_query_of(dependant)), _headers_of(dependant)
    takes_key = IDEMPOTENCY_KEY in headers

    def check(request: Request) -> None:
        twice: list[str] = []
        if query and request.scope["query_string"]:
            given = Counter(name for name, _ in request.query_params.multi_items())
            twice += [name for name, times in given.items() if times > 1 and name in query]
        if takes_key and len(request.headers.getlist(IDEMPOTENCY_KEY)) > 1:
            twice.append("Idempotency-Key")
        if twice:
            raise ValidationFailed(
                fields=[FieldError(name, "TOO_MANY", maximum=1) for name in twice]
            )

    return check


def _query_of(dependant: Dependant) -> set[str]:
    names: set[str] = set()
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            names |= {told.alias or name for name, told in model.model_fields.items()}
        else:
            names.add(field.alias)
    return names.union(*map(_query_of, dependant.dependencies))


def _headers_of(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.header_params}
    return names.union(*map(_headers_of, dependant.dependencies))
