"""The environment, read once into one frozen value. No other module reads it."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.0/8", "::1/128")
"""What connectors may reach besides global addresses, outside production."""
ENVIRONMENTS = ("development", "production")
NATS_SCHEMES = ("nats", "tls")

_HOST = re.compile(r"(?![0-9.]+$)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.?")


class SettingsError(Exception):
    """The environment cannot be used as it is; the message says what to set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that an operator may choose. Names in the environment are in docs/operators.md."""

    environment: str = "development"
    data_folder: Path = Path(".data")
    database_url: str | None = None
    database_owner_url: str | None = None
    database_worker_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    token_keys: str | None = None
    secret_keys: str | None = field(default=None, repr=False)
    token_issuer: str = "ekinerja"  # noqa: S105  a name, no secret
    token_audience: str = "ekinerja"  # noqa: S105
    allowed_origins: tuple[str, ...] = ()
    graphiql: bool = True
    status_profile: str = "2025"
    trusted_documents: str | None = None
    trusted_only: bool = False
    pool_size: int = 10
    log_format: str = "console"
    strict_plugins: bool = False
    egress_allow: tuple[str, ...] = LOOPBACK
    nats_url: str | None = field(default=None, repr=False)
    nats_credentials: Path | None = None

    @property
    def production(self) -> bool:
        return self.environment == "production"


def settings_from(environ: Mapping[str, str] | None = None) -> Settings:
    """Read EKINERJA_* and DATABASE_* variables.

    Raises:
        SettingsError: a value is malformed, or production lacks what it must not default.
    """
    env = os.environ if environ is None else environ
    environment = env.get("EKINERJA_ENVIRONMENT", "development")
    if environment not in ENVIRONMENTS:
        raise SettingsError(
            f"EKINERJA_ENVIRONMENT is {environment!r}; choose one of {', '.join(ENVIRONMENTS)}"
        )
    settings = Settings(
        environment=environment,
        data_folder=Path(env.get("EKINERJA_DATA", ".data")).absolute(),
        database_url=env.get("DATABASE_URL") or None,
        database_owner_url=env.get("DATABASE_OWNER_URL") or None,
        database_worker_url=env.get("DATABASE_WORKER_URL") or None,
        host=env.get("EKINERJA_HOST", "127.0.0.1"),
        port=_integer(env, "EKINERJA_PORT", 8000),
        token_keys=env.get("EKINERJA_TOKEN_KEYS") or None,
        secret_keys=env.get("EKINERJA_SECRET_KEYS") or None,
        token_issuer=env.get("EKINERJA_TOKEN_ISSUER", "ekinerja"),
        token_audience=env.get("EKINERJA_TOKEN_AUDIENCE", "ekinerja"),
        allowed_origins=tuple(env.get("EKINERJA_ALLOWED_ORIGINS", "").split()),
        graphiql=env.get("EKINERJA_GRAPHIQL", "true").lower() != "false",
        status_profile=env.get("EKINERJA_STATUS_PROFILE", "2025"),
        trusted_documents=env.get("EKINERJA_TRUSTED_DOCUMENTS") or None,
        trusted_only=env.get("EKINERJA_TRUSTED_ONLY", "false").lower() == "true",
        pool_size=_integer(env, "EKINERJA_POOL_SIZE", 10),
        log_format=env.get(
            "EKINERJA_LOG_FORMAT", "json" if environment == "production" else "console"
        ),
        strict_plugins=env.get("EKINERJA_STRICT_PLUGINS", "false").lower() == "true",
        egress_allow=_egress(env, environment),
        nats_url=_nats_url(env),
        nats_credentials=_nats_credentials(env),
    )
    _refuse_unsafe_production(settings)
    return settings


def _egress(env: Mapping[str, str], environment: str) -> tuple[str, ...]:
    """Networks and host names, with spaces or commas between."""
    given = env.get("EKINERJA_EGRESS_ALLOW")
    if given is None:
        return () if environment == "production" else LOOPBACK
    words = tuple(given.replace(",", " ").split())
    for word in words:
        try:
            ipaddress.ip_network(word)
        except ValueError as error:
            if not _HOST.fullmatch(word):
                raise SettingsError(
                    f"EKINERJA_EGRESS_ALLOW: {word!r} is neither a network such as 10.0.0.0/8 "
                    f"nor a host's name ({error})"
                ) from None
    return words


def _nats_url(env: Mapping[str, str]) -> str | None:
    """One address or several of a cluster, with commas between; it may hold a password."""
    given = env.get("EKINERJA_NATS_URL") or None
    for number, word in enumerate(given.split(",") if given else (), 1):
        try:
            parts = urlsplit(word.strip())
            usable = parts.scheme in NATS_SCHEMES and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise SettingsError(
                f"EKINERJA_NATS_URL: address {number} is not like nats://host:4222 "
                "or tls://host:4222"
            )
    return given


def _nats_credentials(env: Mapping[str, str]) -> Path | None:
    given = env.get("EKINERJA_NATS_CREDENTIALS") or None
    if given is None:
        return None
    if not env.get("EKINERJA_NATS_URL"):
        raise SettingsError("EKINERJA_NATS_CREDENTIALS is set, but EKINERJA_NATS_URL is not")
    path = Path(given).absolute()
    if not path.is_file():
        raise SettingsError(f"EKINERJA_NATS_CREDENTIALS: there is no file {path}")
    return path


def _integer(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; it must be a whole number") from None


def _refuse_unsafe_production(settings: Settings) -> None:
    if not settings.production:
        return
    if settings.token_keys is None:
        raise SettingsError(
            "EKINERJA_TOKEN_KEYS is not set: in production name the file of the public keys (JWKS) "
            "of your identity provider. The development key is never used there."
        )
    if settings.database_url is None:
        raise SettingsError(
            "DATABASE_URL is not set: in production name a PostgreSQL 15 or newer. "
            "The embedded one is for development and tests."
        )
