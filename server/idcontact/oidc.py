"""Log in at an OpenID provider: the relying party (OpenID Connect Core 1.0, code flow; PKCE, RFC 7636; iss, RFC 9207).

What the settings pin, no answer of the provider changes: the issuer, the algorithms, the client. Each log-in that is
under way is kept on the server, for ten minutes, for one use and for the browser that began it; a browser may have
several. The claims come from the ID token alone: no other answer has to be believed.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self, TypeAlias
from urllib.parse import quote_plus, urlencode

import msgspec

from idcontact.browser import browser_digest
from idcontact.errors import NotAllowed, PluginFailed, TokenRejected
from idcontact.jws import compact, header_of, json_object, payload_signed_by
from idcontact.oidc_keys import Algorithm, ProviderKeys
from idcontact.settings_values import MisfitError, Secret, kind_of
from idcontact.urls import split_web_url, with_query

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from starlette.datastructures import QueryParams

    from idcontact.outgoing import Outgoing
    from idcontact.records import Records

UNDER_WAY: Final = 10 * 60
"""Seconds that a log-in may take."""
LEEWAY: Final = 30
"""Seconds that `iat` and `nbf` may be ahead of our clock. `exp` gets none."""
_METADATA_KEPT: Final = 60 * 60

_Claims: TypeAlias = "Mapping[str, object]"


class Issuer(str):
    """The issuer of a provider, exactly as it writes itself: a slash at the end counts."""

    EXPECTED: ClassVar[str] = "the issuer of an OpenID provider: an https:// URL without query and fragment"
    __slots__ = ()

    @classmethod
    def from_setting(cls, raw: object, base: Path) -> Self:
        """The URL as it is written. Plain http is for a provider on this machine."""
        if not isinstance(raw, str):
            raise MisfitError(cls.EXPECTED, kind_of(raw))
        parts = split_web_url(raw)
        local = parts is not None and parts.hostname in {"127.0.0.1", "::1", "localhost"}
        if parts is None or "?" in raw or "#" in raw or (parts.scheme != "https" and not local):
            raise MisfitError(cls.EXPECTED, "another string" if raw else kind_of(raw))
        return cls(raw)


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A provider, and what this client is to it.

    `scopes` are asked for besides `openid`. `algorithms` are those that its ID tokens may be signed with.
    """

    issuer: Issuer
    client_id: str
    client_secret: Secret
    scopes: list[str] = []
    algorithms: list[Algorithm] = msgspec.field(default_factory=lambda: ["RS256"])


class _Metadata(msgspec.Struct, frozen=True):
    """Of a provider (OpenID Connect Discovery 1.0, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _UnderWay(msgspec.Struct, frozen=True, array_like=True, tag="log-in"):
    """A log-in, until it is finished."""

    browser: str
    nonce: str
    verifier: str


class _Tokens(msgspec.Struct, frozen=True):
    id_token: str


@dataclass(frozen=True)
class Identity:
    """Who logged in: `subject` is the provider's, and `claims` are those of the ID token."""

    subject: str = field(repr=False)
    claims: _Claims = field(repr=False)

    def is_unverified(self, claim: str) -> bool:
        """Whether it is an e-mail address that the provider does not say to be the person's own.

        Many providers let people type one themselves (OpenID Connect Core 1.0, sections 5.1 and 5.7).
        """
        return claim == "email" and claim in self.claims and self.claims.get("email_verified") is not True

    def has(self, claim: str, values: list[str]) -> bool:
        """Whether a claim is one of these values, or a list that holds one of them; an `email` only when verified."""
        if self.is_unverified(claim):
            return False
        said = self.claims.get(claim)
        return any(item in values for item in (said if isinstance(said, list) else [said]) if isinstance(item, str))


class RelyingParty:
    """Logs people in at one provider. `redirect_uri` is where it sends them back to; `clock`: seconds since 1970."""

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        redirect_uri: str,
        outgoing: Outgoing,
        records: Records,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._outgoing = outgoing
        self._records = records
        self._clock = clock
        self._known: tuple[float, _Metadata, ProviderKeys] | None = None
        self._asking = asyncio.Lock()

    async def begin(self, browser: str) -> str:
        """Where to send a browser, known by its cookie's value, to log in. Raises PluginError, Unavailable."""
        metadata, _ = await self._provider()
        under_way = _UnderWay(browser_digest(browser), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        state = await self._records.create(msgspec.msgpack.encode(under_way), UNDER_WAY)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(["openid", *self._settings.scopes]),
            "state": state,
            "nonce": under_way.nonce,
            "code_challenge": _challenge(under_way.verifier),
            "code_challenge_method": "S256",
        }
        return with_query(metadata.authorization_endpoint, urlencode(asked))

    async def finish(self, query: QueryParams, browser: str | None) -> Identity:
        """Who it is that comes back with this query. A log-in is finished once, whatever comes of it.

        Raises NotAllowed, whose reason is for the log, PluginError when the provider does not work, Unavailable.
        """
        under_way = await self._taken(_only(query, "state"), browser)
        metadata, keys = await self._provider()
        issuer = _only(query, "iss")
        if issuer != self._settings.issuer and (issuer or metadata.authorization_response_iss_parameter_supported):
            raise _refused("iss of the answer is not the issuer")
        if query.get("error") is not None:
            raise _refused("the provider did not log them in")
        tokens = await self._exchange(metadata, _only(query, "code"), under_way.verifier)
        claims = await self._verified(tokens.id_token, keys)
        self._check(claims, under_way.nonce)
        return Identity(_subject(claims), claims)

    async def _taken(self, state: str, browser: str | None) -> _UnderWay:
        record = await self._records.take(state) if state else None
        if record is None:
            raise _refused("state is unknown, used or expired")
        try:
            under_way = msgspec.msgpack.decode(record.value, type=_UnderWay)
        except msgspec.MsgspecError:
            raise _refused("state is of something else") from None
        if browser is None or not hmac.compare_digest(under_way.browser, browser_digest(browser)):
            raise _refused("another browser began this")
        return under_way

    # --- the provider ---

    async def _provider(self) -> tuple[_Metadata, ProviderKeys]:
        """What is known of the provider, asked again every hour."""
        async with self._asking:
            now = self._clock()
            if self._known is None or now >= self._known[0] + _METADATA_KEPT:
                metadata = await self._discovered()
                keys = ProviderKeys(metadata.jwks_uri, self._outgoing, self._clock)
                self._known = now, metadata, keys
            return self._known[1:]

    async def _discovered(self) -> _Metadata:
        issuer = self._settings.issuer
        answer = await self._outgoing.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", plugin="log-in")
        try:
            metadata = msgspec.json.decode(answer.body, type=_Metadata)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _not_working("its metadata cannot be read") from None
        if not answer.is_success or metadata.issuer != issuer:
            raise _not_working("its metadata is of another issuer")
        for url in (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri):
            parts = split_web_url(url)
            if parts is None or (parts.scheme != "https" and issuer.startswith("https:")):
                raise _not_working("its metadata has an endpoint without https")
        return metadata

    async def _exchange(self, metadata: _Metadata, code: str, verifier: str) -> _Tokens:
        """The tokens for a code (RFC 6749, section 4.1.3)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": verifier,
        }
        headers: dict[str, str] = {}
        client, secret = self._settings.client_id, self._settings.client_secret.value()
        if "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(client)}:{quote_plus(secret)}"  # section 2.3.1
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": client, "client_secret": secret}
        answer = await self._outgoing.post(
            metadata.token_endpoint,
            urlencode(form).encode(),
            content_type="application/x-www-form-urlencoded",
            headers=headers,
            plugin="log-in",
        )
        if answer.status == 400:
            raise _refused("the provider refuses the code")
        try:
            tokens = msgspec.json.decode(answer.body, type=_Tokens)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise _not_working(f"its token endpoint gave no ID token, status {answer.status}") from None
        if not answer.is_success:
            raise _not_working(f"its token endpoint answered {answer.status}")
        return tokens

    # --- the ID token ---

    async def _verified(self, token: str, keys: ProviderKeys) -> _Claims:
        """The claims of an ID token that a key of the provider signed, by an algorithm of the settings."""
        try:
            return await self._signed_claims(compact(token, 3, "not a JWS in compact form"), keys)
        except TokenRejected as error:
            raise _refused(f"ID token: {error.reason}") from None

    async def _signed_claims(self, token: str, keys: ProviderKeys) -> _Claims:
        header = header_of(token)
        algorithm = next((name for name in self._settings.algorithms if name == header.get("alg")), None)
        if algorithm is None:
            raise TokenRejected("its alg is not one of the settings")
        for key in await keys.fitting(header.get("kid"), algorithm):
            payload = payload_signed_by(token, key, algorithm)
            if payload is not None:
                return json_object(payload, "its payload")
        raise TokenRejected("no key of the provider verifies it")

    def _check(self, claims: _Claims, nonce: str) -> None:
        """Section 3.1.3.7. Another audience beside us is one that we do not trust: refused."""
        client, now = self._settings.client_id, self._clock()
        rules: dict[Literal["iss", "aud", "azp", "exp", "iat", "nbf", "nonce"], bool] = {
            "iss": claims.get("iss") == self._settings.issuer,
            "aud": claims.get("aud") in (client, [client]),
            "azp": claims.get("azp", client) == client,
            "exp": _number(claims, "exp", 0) > now,
            "iat": 0 < _number(claims, "iat", 0) <= now + LEEWAY,
            "nbf": "nbf" not in claims or 0 < _number(claims, "nbf", 0) <= now + LEEWAY,
            "nonce": hmac.compare_digest(str(claims.get("nonce")).encode("utf-8", "surrogatepass"), nonce.encode()),
        }
        broken = [name for name, holds in rules.items() if not holds]
        if broken:
            raise _refused(f"ID token: {broken[0]}")


def _subject(claims: _Claims) -> str:
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise _refused("ID token: sub")
    return subject


def _number(claims: _Claims, name: str, otherwise: float) -> float:
    value = claims.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


def _only(query: QueryParams, name: str) -> str:
    """A parameter that is given once (RFC 6749, section 3.1); empty where it is not given."""
    values = query.getlist(name)
    if len(values) > 1:
        raise _refused(f"{name} is given twice")
    return values[0] if values else ""


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refused(reason: str) -> NotAllowed:
    return NotAllowed("this log-in is not accepted; try again", reason=reason)


def _not_working(reason: str) -> PluginFailed:
    return PluginFailed("log-in", "the log-in provider does not work", reason=reason)
