"""Routes that are described where they are declared, and the OpenAPI 3.1 document that follows from them.

A route is an `ApiRoute`: a Starlette route with an `Operation`. `document` walks the routes of an application, those
of mounted applications too, and takes the schemas from the same msgspec structs that the handlers read and write. So
the document names what is served, and nothing else.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute

from idcontact.errors import IdContactError, NotFound, Unavailable
from idcontact.protocol import ErrorAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.routing import BaseRoute

JSON_TYPE: Final = "application/json"
HTML_TYPE: Final = "text/html"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
JWT_TYPE: Final = "application/jwt"

Endpoint: TypeAlias = "Callable[[Request], Awaitable[Response]]"
Shape: TypeAlias = Any
"""What msgspec makes a schema of: a struct, or any other annotation."""
Schema: TypeAlias = dict[str, Any]

_VERSION: Final = "3.1.0"
_REFERENCE: Final = "#/components/schemas/{name}"


# --- what is said of a route ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """One answer of an operation. `content`: the shape of each media type; `headers`: what each of them says."""

    status: int
    description: str
    content: Mapping[str, Shape] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def json(shape: Shape, description: str, status: int = 200) -> Answer:
    """An answer for a program."""
    return Answer(status, description, {JSON_TYPE: shape})


def page(description: str, status: int = 200) -> Answer:
    """An answer for a person."""
    return Answer(status, description, {HTML_TYPE: str})


def see_other(description: str) -> Answer:
    """A 303. `description` says where to."""
    return Answer(303, description, headers={"Location": description})


def empty(description: str, status: int = 200) -> Answer:
    """An answer without a body."""
    return Answer(status, description)


@dataclass(frozen=True)
class Parameter:
    """A member of the query. `shape` is what its text has to be."""

    name: str
    description: str
    shape: Shape = str


LANGUAGE: Final = Parameter("lang", "Language of the page; otherwise that of Accept-Language.")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What a route does, takes and answers.

    `path` describes the parameters of its path. `bodies` are the shapes of the media types that it takes. `errors` are
    the kinds of `IdContactError` that it answers with, besides `NotFound` where its path has parameters, and
    `Unavailable` (the store is away) where `stored` says that a store is asked.
    """

    summary: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Sequence[Parameter] = ()
    bodies: Mapping[str, Shape] = field(default_factory=dict)
    body_required: bool = True
    answers: Sequence[Answer]
    errors: Sequence[type[IdContactError]] = ()
    stored: bool = True

    @property
    def shapes(self) -> Iterator[Shape]:
        """All that needs a schema."""
        yield from (parameter.shape for parameter in self.query)
        yield from self.bodies.values()
        for answer in self.answers:
            yield from answer.content.values()


class ApiRoute(Route):
    """A route with its description, for each of its methods. OPTIONS is for preflights, and goes without saying."""

    def __init__(self, path: str, endpoint: Any, *, methods: Sequence[str], operation: Operation, **rest: Any) -> None:
        super().__init__(path, endpoint, methods=methods, **rest)
        self.operations = {method: operation for method in methods if method != "OPTIONS"}


class ApiResource(ApiRoute):
    """A path with methods that have endpoints and descriptions of their own: what is none of them gets a 405 that names
    them all, which several routes with one path would not say."""

    def __init__(self, path: str, methods: Mapping[str, tuple[Endpoint, Operation]]) -> None:
        async def answer(request: Request) -> Response:
            return await methods["GET" if request.method == "HEAD" else request.method][0](request)

        super().__init__(path, answer, methods=[*methods], operation=next(iter(methods.values()))[1])
        self.operations = {method: operation for method, (_, operation) in methods.items()}


# --- the routes of an application -----------------------------------------------------------------------------------


def walk(routes: Iterable[BaseRoute], prefix: str = "") -> Iterator[tuple[str, BaseRoute]]:
    """Every route that answers HTTP, with its whole path; a Mount only where nobody can look into what it mounts."""
    for route in routes:
        if isinstance(route, Mount):
            if isinstance(route.app, Starlette):
                yield from walk(route.routes, prefix + route.path)
            else:
                yield prefix + route.path, route
        elif isinstance(route, Route):
            yield prefix + route.path, route
        elif not isinstance(route, WebSocketRoute):
            yield prefix, route


def document(title: str, url: str, routes: Sequence[BaseRoute]) -> bytes:
    """The OpenAPI document (JSON) of an application that is reached at `url`."""
    described = [(path, route) for path, route in walk(routes) if isinstance(route, ApiRoute)]
    schemas = _Schemas(
        [shape for _, route in described for operation in route.operations.values() for shape in operation.shapes]
    )
    paths: defaultdict[str, Schema] = defaultdict(dict)
    for path, route in described:
        plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
        for method, operation in route.operations.items():
            paths[plain][method.lower()] = _operation(method, plain, operation, schemas)
    return msgspec.json.encode(
        {
            "openapi": _VERSION,
            "info": {"title": title, "version": "1"},
            "servers": [{"url": str(url)}],
            "paths": dict(sorted(paths.items())),
            "components": {"schemas": schemas.components},
        }
    )


def document_route(title: str, url: str, routes: Sequence[BaseRoute]) -> ApiRoute:
    """`GET /openapi.json` of the application that has these routes, and this one."""

    async def answer(request: Request) -> Response:
        del request
        return Response(body, media_type=JSON_TYPE)

    route = ApiRoute("/openapi.json", answer, methods=["GET"], operation=_DOCUMENT)
    body = document(title, url, [*routes, route])
    return route


_DOCUMENT: Final = Operation(
    summary="This document", answers=[json(dict[str, Any], "OpenAPI 3.1 of this application")], stored=False
)


# --- the parts of the document --------------------------------------------------------------------------------------


class _Schemas:
    """The schema of each shape; structs are under `components`, once."""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        all_shapes = [*shapes, ErrorAnswer]
        made, self.components = msgspec.json.schema_components(all_shapes, ref_template=_REFERENCE)
        self._made = [(shape, schema) for shape, schema in zip(all_shapes, made, strict=True)]

    def of(self, shape: Shape) -> Schema:
        return next(schema for known, schema in self._made if known == shape)


def _operation(method: str, path: str, operation: Operation, schemas: _Schemas) -> Schema:
    described: Schema = {
        "summary": operation.summary,
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        "parameters": [
            *(_path_parameter(name, operation.path.get(name, "")) for name in re.findall(r"\{(\w+)\}", path)),
            *(_query_parameter(parameter, schemas) for parameter in operation.query),
        ],
        "responses": _responses(operation, _errors(operation, path), schemas),
    }
    if operation.bodies:
        content = {media: {"schema": schemas.of(shape)} for media, shape in operation.bodies.items()}
        described["requestBody"] = {"required": operation.body_required, "content": content}
    return described


def _path_parameter(name: str, description: str) -> Schema:
    schema = {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _query_parameter(parameter: Parameter, schemas: _Schemas) -> Schema:
    schema = schemas.of(parameter.shape)
    return {"name": parameter.name, "in": "query", "description": parameter.description, "schema": schema}


def _errors(operation: Operation, path: str) -> Iterator[type[IdContactError]]:
    """Those that are said, and those that go without saying."""
    yield from operation.errors
    if "{" in path and NotFound not in operation.errors:
        yield NotFound  # for what cannot stand there, such as a line break
    if operation.stored:
        yield Unavailable


def _responses(operation: Operation, errors: Iterable[type[IdContactError]], schemas: _Schemas) -> Schema:
    responses: defaultdict[str, Schema] = defaultdict(lambda: {"description": "", "content": {}})
    for answer in operation.answers:
        content = {media: {"schema": schemas.of(shape)} for media, shape in answer.content.items()}
        headers = {
            name: {"description": said, "required": True, "schema": {"type": "string"}}
            for name, said in answer.headers.items()
        }
        _add(responses[str(answer.status)], answer.description, content)
        if headers:
            responses[str(answer.status)]["headers"] = headers
    both = {JSON_TYPE: {"schema": schemas.of(ErrorAnswer)}, HTML_TYPE: {"schema": {"type": "string"}}}
    for error in errors:
        said = (error.__doc__ or "").partition("\n")[0]
        _add(responses[str(error.status)], said.partition(". ")[0].removesuffix(".") + ".", both)
    return dict(sorted(responses.items()))


def _add(response: Schema, description: str, content: Schema) -> None:
    response["description"] = " ".join(filter(None, (response["description"], description)))
    response["content"].update(content)
