"""Our own page for a `tel:` continuation: whom to call, with which code, from this telephone or from another.

A communication plugin for the telephone says where to go on as `tel:<number>,<code>`. A browser on a telephone can dial
that; everywhere else it leads nowhere. The code ties a call to what the person has shared: so the address of the page
holds an id and no code, what it stands for is sealed at rest, and the page is kept and passed on by nobody.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import segno
from starlette.responses import Response

from idcontact.core import operations
from idcontact.errors import Gone
from idcontact.openapi import ApiRoute
from idcontact.security import PagePolicy

if TYPE_CHECKING:
    from starlette.requests import Request

    from idcontact.pages import Pages
    from idcontact.records import Records

LIFETIME: Final = 60 * 60
"""Seconds that the page is there: as long as the code of a published telephone plugin holds."""

_EXTENSIONS: Final = frozenset({"ext", "postd"})
"""Parameters that hold digits to dial after the number (RFC 3966 section 5.3, RFC 2806 section 2.2)."""
_DIAL_SAFE: Final = "+*,;=.()-"
_AREA_CODE = re.compile(r"0(1[035]|2[0346]|3[03568]|4[0356]|5[0358]|7[0-9]|8[24578]|91)")
"""Dutch area codes of three digits; the others have four (Nummerplan telefoon- en ISDN-diensten)."""

_logger = logging.getLogger(__name__)


# --- a number and its code -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Call:
    """What to dial. `number` is as people write it; `code` are its digits in groups; `uri` dials all of it."""

    number: str
    code: tuple[str, ...]
    uri: str

    @property
    def spelled(self) -> str:
        """The code for who hears it: digit by digit, with a pause between the groups."""
        return ", ".join(" ".join(group) for group in self.code)


def call_of(continuation: str) -> Call:
    """What a `tel:` continuation says to dial.

    The number ends at the first pause, written `,`, `;`, `|`, `p` or `w`; digits behind it are the code. Parameters
    that say nothing to dial, such as `phone-context`, are passed over.
    """
    rest = unquote(continuation.removeprefix("tel:")).replace("|", ",")
    number, *parts = re.split(r"[,;]+", rest)
    number, *more = re.split(r"[pw]+", number, flags=re.IGNORECASE)
    code = "".join(re.sub(r"[^0-9*#A-D]", "", digits) for digits in [*more, *map(_dialled, parts)])
    return Call(_written(number), _grouped(code), f"tel:{quote(rest, safe=_DIAL_SAFE)}")


def _dialled(part: str) -> str:
    """What is dialled of a part behind the number: all of it, or the value of a parameter that holds digits."""
    name, equals, value = part.partition("=")
    if not equals:
        return part
    return value if name.lower() in _EXTENSIONS else ""


def _grouped(digits: str) -> tuple[str, ...]:
    """Groups of three, as they are easiest to read and type; a last one of four rather than one of one."""
    if len(digits) <= 4:
        return (digits,) if digits else ()
    return digits[:3], *_grouped(digits[3:])


def _written(number: str) -> str:
    """A number as people write it. One that is written for people already stays as it is."""
    if re.search(r"[-. ()]", number):
        return number
    if re.fullmatch(r"\+31[1-9][0-9]{8}", number):
        return f"+31 {' '.join(_dutch(f'0{number[3:]}'))[1:]}"
    if re.fullmatch(r"0[1-9][0-9]{8}", number):
        return " ".join(_dutch(number))
    if re.fullmatch(r"0[89]0[069][0-9]{4,7}", number):
        return f"{number[:4]} {' '.join(_grouped(number[4:]))}"
    if re.fullmatch(r"14[0-9]{2,4}", number):
        return f"14 {number[2:]}"
    if re.fullmatch(r"\+[0-9]{8,15}", number):
        return f"{number[:3]} {' '.join(_grouped(number[3:]))}"
    return " ".join(_grouped(number)) if re.fullmatch(r"[0-9]{5,}", number) else number


def _dutch(number: str) -> tuple[str, ...]:
    """Ten digits: of a mobile number in twos, of another behind its area code."""
    if number.startswith("06"):
        return "06", *re.findall("..", number[2:])
    if _AREA_CODE.match(number):
        return number[:3], number[3:6], number[6:8], number[8:]
    return number[:4], number[4:6], number[6:8], number[8:]


# --- the page -------------------------------------------------------------------------------------------------------


class Telephone:
    """`GET /tel/{place}`, and the places. `records` are of a namespace of their own."""

    def __init__(self, records: Records, pages: Pages, public_url: str) -> None:
        self._records = records
        self._pages = pages
        self._public_url = public_url

    async def page_for(self, continuation: str) -> str:
        """The address of a page that shows this `tel:` continuation for an hour. Raises Unavailable."""
        place = await self._records.create(continuation.encode(), LIFETIME)
        return f"{self._public_url}/tel/{place}"

    def routes(self) -> list[ApiRoute]:
        """The public route."""
        return [ApiRoute("/tel/{place}", self.show, methods=["GET"], operation=operations.TELEPHONE)]

    async def show(self, request: Request) -> Response:
        """The page. Raises Gone."""
        record = await self._records.read(request.path_params["place"])
        if record is None:
            raise Gone("this code is not valid any more; start again")
        if "result" in request.query_params:
            return self._without_result(request)
        call = call_of(record.value.decode())
        return self._pages.render(
            request,
            "tel.html",
            policy=PagePolicy(referrer="no-referrer"),
            call=call,
            qr=segno.make_qr(call.uri).svg_data_uri(border=4, light="#fff", omitsize=True, nl=False),
        )

    def _without_result(self, request: Request) -> Response:
        """Take the result out of the address.

        It came this way because the communication plugin named no attr_url: nobody on the telephone can receive it, and
        where there is an attr_url, the core takes it out before it gets here (`shims.py`). So it goes nowhere.
        """
        _logger.warning(
            "an auth result came to a telephone number whose communication plugin takes none; it is dropped"
        )
        headers = {"Location": request.url.path, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
        return Response(status_code=303, headers=headers)
