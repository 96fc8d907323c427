"""A part of NGSI-LD (ETSI GS CIM 009): reading entities by type, attributes and distance; standard library only."""

import json
import re
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from math import asin, cos, radians, sin, sqrt

from examples.cityos.entities import CONTEXT, Entity
from examples.kit.errors import BadRequestError
from examples.kit.web import Request, Response

LINK = f'<{CONTEXT}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
MOST = 1000
_NEAR = re.compile(r"near;maxDistance==([0-9]{1,7}(?:\.[0-9]+)?)")
_POINT = re.compile(r"\[(-?[0-9.]{1,20}),(-?[0-9.]{1,20})\]")


class Broker:
    """Answers GET /ngsi-ld/v1/entities. `fault`: one of the broken answers that tests ask for."""

    def __init__(self, entities: Callable[[], Sequence[Entity]], *, token: str = "", fault: str = "") -> None:
        self._entities = entities
        self.token = token
        self.fault = fault
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Response:
        """The entities asked for, or problem details."""
        self.asked = [*self.asked[-99:], request]
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return _problem(HTTPStatus.UNAUTHORIZED, "Unauthorized", "the token is missing or wrong")
        broken = self._broken()
        if broken is not None:
            return broken
        try:
            found = self._found(request)
        except BadRequestError as error:
            return _problem(HTTPStatus.BAD_REQUEST, "BadRequestData", str(error))
        if "application/ld+json" in request.headers.get("accept", ""):
            body = json.dumps([{"@context": CONTEXT, **one} for one in found], ensure_ascii=False)
            return Response(body, content_type="application/ld+json")
        body = json.dumps(found, ensure_ascii=False)
        return Response(body, content_type="application/json", headers=[("Link", LINK)])

    def _broken(self) -> Response | None:
        if self.fault.startswith("hang:"):
            time.sleep(int(self.fault.removeprefix("hang:")))
        if self.fault == "500":
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", "broken on purpose")
        if self.fault == "not-json":
            return Response("<!doctype html>", content_type="application/json")
        if self.fault == "html":
            return Response("<!doctype html>")
        if self.fault == "huge":
            return Response("[" + " " * 2_000_000 + "]", content_type="application/json")
        return None

    def _found(self, request: Request) -> list[Entity]:
        kinds = set(filter(None, request.query.get("type", "").split(",")))
        if not kinds:
            raise BadRequestError("type is needed")
        found = [entity for entity in self._entities() if entity["type"] in kinds]
        if "georel" in request.query:
            found = _near(found, request)
        attrs = set(filter(None, request.query.get("attrs", "").split(",")))
        if attrs:
            found = [_only(entity, attrs) for entity in found if attrs & set(entity)]
        limit, offset = (_number(request, name, default) for name, default in (("limit", 20), ("offset", 0)))
        return found[offset : offset + min(limit, MOST)]


def _only(entity: Entity, attrs: set[str]) -> Entity:
    return {key: value for key, value in entity.items() if key in attrs | {"id", "type"}}


def _near(found: Sequence[Entity], request: Request) -> list[Entity]:
    relation = _NEAR.fullmatch(request.query["georel"])
    point = _POINT.fullmatch(request.query.get("coordinates", ""))
    if relation is None or point is None or request.query.get("geometry") != "Point":
        raise BadRequestError("only georel=near;maxDistance==… around a Point is supported")
    longitude, latitude = float(point[1]), float(point[2])
    at = [(entity, entity["location"]["value"]["coordinates"]) for entity in found if "location" in entity]
    return [entity for entity, (x, y) in at if _metres(latitude, longitude, y, x) <= float(relation[1])]


def _metres(one_up: float, one_across: float, other_up: float, other_across: float) -> float:
    up, across = radians(other_up - one_up), radians(other_across - one_across)
    half = sin(up / 2) ** 2 + cos(radians(one_up)) * cos(radians(other_up)) * sin(across / 2) ** 2
    return 2 * 6_371_000 * asin(sqrt(half))


def _number(request: Request, name: str, default: int) -> int:
    raw = request.query.get(name, str(default))
    if not raw.isdecimal():
        raise BadRequestError(f"{name} must be a number")
    return int(raw)


def _problem(status: HTTPStatus, kind: str, detail: str) -> Response:
    body = {"type": f"https://uri.etsi.org/ngsi-ld/errors/{kind}", "title": detail}
    return Response(json.dumps(body), status, "application/json")
