"""Where a server is and what it is shown: address, key, and whatever must not be repeated.

The key comes from OPENAI_API_KEY alone. OPENAI_BASE_URL is the address where the configuration
gives none, and the only place for a user name and password; they go into a header.
"""

import base64
import os
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.server import address_problem

KEY_VARIABLE = "OPENAI_API_KEY"
ADDRESS_VARIABLE = "OPENAI_BASE_URL"
DEFAULT_ADDRESS = "https://api.openai.com/v1"
_HEADERS_VARIABLE = "OPENAI_CUSTOM_HEADERS"
# Shorter ones cannot be told from ordinary text where a server repeats them.
MIN_KEY_CHARACTERS = 8


@dataclass(frozen=True)
class ServerAccess:
    """An address without user name and password, the key ('' for none), headers, all secrets."""

    address: str
    key: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def read_access(base_url: str | None, *, section: str) -> ServerAccess:
    """Return how to reach a server; `UserError` if key or address are missing or unusable."""
    key = os.environ.get(KEY_VARIABLE)
    if key is not None and (problem := key_problem(key)):
        raise UserError(
            f"{KEY_VARIABLE} {problem}. Export the key as your provider shows it, or unset "
            f"{KEY_VARIABLE} for a server of your own that needs none"
        )
    given = base_url or os.environ.get(ADDRESS_VARIABLE, "").strip()
    if not key and not given:
        raise UserError(
            f"{section} asks a server and needs a key: export {KEY_VARIABLE}=... "
            f"(never in config.yaml), or set {section}.base_url to a server that needs none"
        )
    address, login = split_login(given or DEFAULT_ADDRESS)
    if problem := address_problem(address):
        name = f"{section}.base_url" if base_url else ADDRESS_VARIABLE
        raise UserError(f"{name} {problem}; such as http://localhost:8000/v1")
    headers = {}
    secrets = [key or "", *_proxy_passwords(), *_custom_header_values()]
    if login:
        token = base64.b64encode(login.encode()).decode()
        headers["Authorization"] = f"Basic {token}"
        secrets += [login, login.partition(":")[2], token]
    return ServerAccess(address, key or "", headers, tuple(secrets))


def key_problem(key: str) -> str:
    """Return why a text cannot be a key, '' if it can; the text itself is not repeated."""
    if not key.strip():
        return "is set but empty"
    if any(character.isspace() or not character.isprintable() for character in key):
        return "holds a space, a line break or a control character"
    if not key.isascii():
        return "holds a character that is not ASCII, which no header can carry"
    if len(key) < MIN_KEY_CHARACTERS:
        return (
            f"has {len(key)} characters; of less than {MIN_KEY_CHARACTERS} it could not be kept "
            "out of messages"
        )
    return ""


def split_login(url: str) -> tuple[str, str]:
    """Split an address into the address alone and "user:password", '' if it has none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, ""
    login, at, host = parts.netloc.rpartition("@")
    return (urlunsplit(parts._replace(netloc=host)), unquote(login)) if at else (url, "")


def proxy_variable(address: str) -> str:
    """Return the name of the environment variable whose proxy an address is asked through, or ''.

    As the HTTP client does, lower case wins, and NO_PROXY leaves hosts out.
    """
    parts = urlsplit(address)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    names = (f"{parts.scheme}_proxy", "all_proxy")
    found = (known for name in names for known in (name, name.upper()) if os.environ.get(known))
    return next(found, "")


def _proxy_passwords() -> list[str]:
    addresses = urllib.request.getproxies().values()
    full = (url if "://" in url else f"http://{url}" for url in addresses)
    return [split_login(url)[1].partition(":")[2] for url in full]


def _custom_header_values() -> list[str]:
    lines = os.environ.get(_HEADERS_VARIABLE, "").splitlines()
    return [word for line in lines for word in line.partition(":")[2].split() if len(word) > 7]
