"""One frozen Settings, read from the environment once at start and passed down.

Each field is one variable of the same name in capitals. `docs/configuration.md` is
generated from this file. No file of the working directory is read: it may be anybody's clone.
Servers read one named file beside the environment (`bot.config.env_file`).
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from bot.config.urls import endpoint, is_metadata, redis_address
from bot.domain.model import Category, Effort, Severity
from templates.languages import DEFAULT_PREFIX, Language

#: Below the person's home, not in the working directory, which may be a stranger's clone.
DATA_DIR = Path("~/.local/share/glossator")


#: How alike a variable and a setting are that are taken for each other, and the shortest one.
_ALIKE, _LEAST_NAME = 0.88, 8


_PREFIX = r"^/[a-z][a-z0-9-]{0,29}$"


class SettingsError(Exception):
    """Raised when a variable is missing or wrong; the message names each and the remedy."""


class Forks(StrEnum):
    """What becomes of pull requests from forks, of their own."""

    REVIEW = "review"
    ASK = "ask"
    SKIP = "skip"


class NotifyFormat(StrEnum):
    """What notifications look like: our own JSON, or Slack's incoming webhooks."""

    JSON = "json"
    SLACK = "slack"


class FailOn(StrEnum):
    """From which severity on the check run fails."""

    NEVER = "never"
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


Url = Annotated[str, AfterValidator(endpoint)]
Names = Annotated[tuple[str, ...], NoDecode]


class Price(BaseModel):
    """What a model's tokens cost, a million of each; `cached` None: as other prompt tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    completion: float = Field(ge=0)


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", frozen=True)

    allow_link_local: bool = Field(
        False,
        description="Allow cloud metadata addresses for GitHub, the LLM, the OpenTelemetry "
        "collector and Sentry.",
    )

    # GitHub
    github_app_id: str = Field("", description="The App's id (or client id).")
    github_private_key: SecretStr = Field(
        SecretStr(""), description="The App's private key: PEM text, `\\n` allowed for line ends."
    )
    github_private_key_file: Path | None = Field(
        None, description="File that contains the private key, instead of the text."
    )
    github_webhook_secrets: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Webhook secrets, comma-separated; any of them is accepted (for rotation)."
    )
    github_api_url: Url = Field(
        "https://api.github.com", description="REST API URL; `https://HOST/api/v3` on GHES."
    )
    github_url: Url = Field("https://github.com", description="Web and git URL.")
    github_timeout: float = Field(30, gt=0, description="Timeout of a GitHub request, in seconds.")

    # Redis and where data lies
    redis_url: Annotated[str, AfterValidator(redis_address)] = Field(
        "",
        description="Empty: `glossator serve` starts its own Redis (single machine). "
        "`redis://`, `rediss://` (TLS) or `redis+sentinel://` ([scaling.md](scaling.md)).",
    )
    data_dir: Path = Field(
        DATA_DIR,
        validate_default=True,
        description="Directory for the embedded Redis's data and the App's secrets from `setup`.",
    )
    public_url: Url = Field(
        "http://localhost:8000", description="Public URL of this server, used in links."
    )
    host: str = Field("127.0.0.1", description="Address the web server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the web server listens on.")
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs links and sessions; derived from the App's key if empty."
    )
    api_tokens: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="Admin tokens for API and dashboard, comma-separated: plain, or `sha256:` "
        "and the "
        "hex digest.",
    )
    github_client_id: str = Field("", description="The App's client id, for GitHub sign-in.")
    github_client_secret: SecretStr = Field(
        SecretStr(""), description="The App's client secret; empty: no GitHub sign-in."
    )
    allowed_hosts: Names = Field(
        (),
        description="Host names to answer requests for, comma-separated, `*` for any; empty: "
        "PUBLIC_URL's and this machine's. Webhooks and health checks are exempt.",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses and networks of proxies whose `X-Forwarded-For` is trusted, "
        "comma-separated; empty: only this machine. Clients behind any other proxy count as one.",
    )
    feed_connections: int = Field(
        100, ge=1, description="Maximum live feeds per address and web process."
    )
    requests_per_minute: int = Field(
        1200,
        ge=1,
        description="Per-IP request limit per web process per minute; webhooks are exempt.",
    )
    keep_days: int = Field(90, ge=1, description="Days to keep reports.")

    link_days: int = Field(
        14, ge=1, description="Days until signed links expire, at most KEEP_DAYS."
    )
    link_sign_in: bool = Field(
        True,
        description="Signed links also require GitHub sign-in if it is configured, because they "
        "appear in e-mails.",
    )
    suppression_days: int = Field(
        180,
        ge=1,
        description="Days after which an unused suppression or preference is removed.",
    )

    outcome_days: int = Field(
        180, ge=1, description="Days to keep the outcomes of findings after their last change."
    )
    audit_days: int = Field(365, ge=1, description="Days to keep the audit log.")

    # LLM
    openai_base_url: Url | None = Field(
        None, description="Any OpenAI-compatible endpoint; empty: OpenAI."
    )
    openai_api_key: SecretStr = Field(SecretStr(""), description="API key for the endpoint.")
    llm_model: str = Field("", description="Model name. Empty: static analyzers only.")
    llm_fallback_models: Names = Field(
        (), description="Fallback models, tried in order, comma-separated."
    )
    llm_verify_model: str = Field(
        "", description="Model that verifies findings; empty: `LLM_MODEL`."
    )
    llm_second_model: str = Field(
        "", description="Model for the second reading of a deep review; empty: `LLM_MODEL`."
    )
    llm_timeout: float = Field(120, gt=0, description="Timeout of an LLM call, in seconds.")
    llm_idle_seconds: float = Field(
        30,
        gt=0,
        description="Seconds of silence after which an LLM call is aborted, if its answer has "
        "started or its connection is dead.",
    )
    llm_concurrency: int = Field(
        4, ge=1, description="Maximum concurrent LLM calls, across workers."
    )
    llm_gap_ms: int = Field(0, ge=0, description="Minimum delay between LLM calls, across workers.")
    llm_backoff_ms: int = Field(
        1000, ge=1, description="First delay before an LLM call is retried."
    )
    llm_context_tokens: int = Field(64_000, ge=1000, description="Maximum tokens of a prompt.")
    llm_answer_tokens: int = Field(8_000, ge=256, description="Maximum tokens of an answer.")
    llm_review_budget: int = Field(
        300_000,
        ge=0,
        description="Maximum tokens (prompt and answer) per review; 0: no limit.",
    )
    llm_daily_budget: int = Field(
        0, ge=0, description="Maximum tokens per installation and day (UTC); 0: no limit."
    )
    llm_outsider_budget: int = Field(
        2_000_000,
        ge=0,
        description="Maximum tokens per installation and day (UTC) for pull requests by authors "
        "without write access, at most a quarter of LLM_DAILY_BUDGET; 0: no limit.",
    )
    llm_prices: dict[str, Price] = Field(
        {},
        description='US dollars per million tokens, as JSON: `{"MODEL": {"prompt": 2, '
        '"cached": 0.5, "completion": 8}}`.',
    )
    min_confidence: float = Field(
        0.2, ge=0, le=1, description="Minimum confidence; findings below it are dropped."
    )
    review_effort: Effort = Field(
        Effort.STANDARD,
        description="quick (one reading, no look-ups), standard, or deep (two readings).",
    )
    look_up_rounds: int = Field(
        1,
        ge=0,
        le=5,
        description="Rounds of look-ups in the repository per reading, one LLM call each; 0: none.",
    )
    look_ups_per_round: int = Field(8, ge=1, le=30, description="Look-ups per round.")

    # The review
    command_prefix: Annotated[str, StringConstraints(pattern=_PREFIX)] = Field(
        DEFAULT_PREFIX,
        description="First word of commands in comments: a slash and lowercase letters.",
    )
    review_language: Language = Field(
        Language.ENGLISH,
        description="Language of reviews, answers and pages: en, de, es, fr, ja, pt-BR or zh-CN.",
    )
    max_analyze_files: int = Field(40, ge=1, description="Maximum files per review.")
    batch_files: int = Field(5, ge=1, description="Maximum files per LLM call.")
    max_comments: int = Field(
        5,
        ge=0,
        description="Maximum inline comments per review, besides critical findings; 0: none.",
    )
    max_file_bytes: int = Field(1_000_000, ge=1, description="Larger files are skipped.")
    settle_seconds: int = Field(
        0, ge=0, le=600, description="Seconds to wait for more commits after a push."
    )
    show_cost: bool = Field(
        False, description="Show tokens and cost in reviews, reports and review pages."
    )
    fail_on: FailOn = Field(FailOn.NEVER, description="Minimum severity that fails the check run.")
    fail_incomplete: bool = Field(
        False, description="Fail the check run if the review could not be completed."
    )
    request_changes: bool = Field(
        False, description="Request changes for critical and high findings, instead of commenting."
    )
    code_scanning_upload: bool = Field(
        False,
        description="Upload each review's findings to GitHub code scanning. The App needs the "
        "permission `security_events: write`.",
    )
    ci_logs: bool = Field(
        False,
        description="Give the model the end of failed GitHub Actions jobs' logs. The App needs the "
        "permission `actions: read`.",
    )
    categories: Annotated[tuple[Category, ...], NoDecode] = Field(
        tuple(Category), description="Categories to review, comma-separated."
    )
    min_severity: Severity = Field(Severity.LOW, description="Minimum severity to report.")
    analyzers_disabled: Names = Field((), description="Disabled analyzers, comma-separated names.")

    # Notifications
    notify_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (),
        description="URLs to notify of finished reviews, critical findings and dead letters, "
        "comma-separated ([operations.md](operations.md#notifications)).",
    )
    notify_secret: SecretStr = Field(
        SecretStr(""), description="Signs notifications; required for NOTIFY_FORMAT=json."
    )
    notify_format: NotifyFormat = Field(
        NotifyFormat.JSON, description="json, or slack for Slack's incoming webhooks."
    )
    notify_allow_private: bool = Field(
        False, description="Allow notification URLs whose addresses are not public."
    )

    # Tickets
    ticket_url: str = Field(
        "",
        description="Address of a ticket, with `{key}`, as "
        "`https://acme.atlassian.net/rest/api/3/issue/{key}`; empty: no tickets are read "
        "([analysis.md](analysis.md#tickets)).",
    )
    ticket_owners: Names = Field(
        (),
        description="Organizations and users, comma-separated, whose private repositories may "
        "have tickets read; empty: no tickets are read.",
    )
    ticket_header: SecretStr = Field(
        SecretStr(""),
        description="Header that reads tickets, as `Authorization: Bearer TOKEN`.",
    )
    ticket_pattern: str = Field(
        r"\b[A-Z][A-Z0-9]{1,9}-[0-9]{1,7}\b",
        description="Regular expression of a ticket's key in titles, descriptions and branches.",
    )
    ticket_allow_private: bool = Field(False, description="Allow a TICKET_URL that is not public.")

    # Limits
    step_seconds: int = Field(3000, ge=1, description="Time limit of a stage, in seconds.")
    review_seconds: int = Field(3600, ge=1, description="Time limit of a review, in seconds.")
    max_retries: int = Field(3, ge=0, description="Retries of a stage.")
    max_backoff_seconds: int = Field(
        600, ge=1, description="Longest delay between retries, in seconds."
    )
    min_backoff_ms: int = Field(5000, ge=1, description="First delay between retries.")
    clone_seconds: int = Field(300, ge=1, description="Time limit of a clone, in seconds.")
    clone_mb: int = Field(1024, ge=1, description="Size limit of a clone on disk.")
    repository_cache_mb: int = Field(
        2048,
        ge=0,
        description="Size limit of git objects kept in `DATA_DIR/repositories`, so that the next "
        "review fetches only what is new; 0: nothing is kept.",
    )
    analyzer_seconds: int = Field(60, ge=1, description="Time limit of an analyzer, in seconds.")
    require_isolation: bool = Field(
        False,
        description="Run analyzers only if they can be isolated from the network and the "
        "server's files; otherwise reviews are incomplete. Set in the image.",
    )
    shutdown_seconds: int = Field(25, ge=1, description="Grace period on SIGTERM.")
    worker_lost_seconds: int = Field(
        30, ge=1, description="Heartbeat timeout before a worker is considered dead."
    )
    sweep_seconds: int = Field(20, ge=1, description="Interval of the stalled-review check.")
    redelivery_seconds: int = Field(60, ge=1, description="Interval of the failed-delivery check.")
    installation_reviews: int = Field(
        8, ge=1, description="Maximum concurrent reviews per installation; more are queued."
    )
    forks: Forks = Field(
        Forks.REVIEW,
        description="Pull requests from forks: review, ask (a person with write access must start "
        "the review) or skip.",
    )
    outsider_hourly_reviews: int = Field(
        6,
        ge=0,
        description="Maximum reviews per hour for each author without write access; 0: no limit.",
    )
    installation_daily_reviews: int = Field(
        0, ge=0, description="Maximum reviews per installation and day (UTC); 0: no limit."
    )
    worker_threads: int = Field(16, ge=1, description="Concurrent stages per worker process.")

    health_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port for health checks of workers and the scheduler; 0: none. "
        "The web process answers on `/healthz`.",
    )
    metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port of the web process for `/metrics`, which needs no token; 0: none.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address that METRICS_PORT listens on.")
    otel_exporter_otlp_endpoint: Url | None = Field(
        None,
        description="OpenTelemetry collector (OTLP over HTTP, such as `http://HOST:4318`) for "
        "a trace "
        "of each review; empty: none. Needs the extra `otel`.",
    )
    otel_exporter_otlp_headers: SecretStr = Field(
        SecretStr(""), description="Headers for the collector, as `NAME=VALUE,NAME=VALUE`."
    )
    sentry_dsn: SecretStr = Field(
        SecretStr(""),
        description="DSN of a Sentry project that receives errors; empty: none. Needs the extra "
        "`sentry`.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_json: bool = Field(False, description="Write logs as JSON lines.")

    @field_validator(
        "github_webhook_secrets",
        "allowed_hosts",
        "api_tokens",
        "notify_urls",
        "ticket_owners",
        "llm_fallback_models",
        "categories",
        "analyzers_disabled",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("data_dir")
    @classmethod
    def _in_home(cls, value: Path) -> Path:
        try:
            return value.expanduser()
        except RuntimeError as exc:
            raise ValueError("this user has no home directory; set an absolute path") from exc

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value

    @field_validator("notify_urls")
    @classmethod
    def _addresses(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        return tuple(SecretStr(endpoint(one.get_secret_value())) for one in value)

    @model_validator(mode="after")
    def _notifications_signed(self) -> Self:
        unsigned = not self.notify_secret.get_secret_value()
        if self.notify_urls and self.notify_format is NotifyFormat.JSON and unsigned:
            raise ValueError(
                "NOTIFY_SECRET is not set; notifications to NOTIFY_URLS are signed with it"
            )
        return self

    @field_validator("ticket_url")
    @classmethod
    def _ticket_address(cls, value: str) -> str:
        if value and "{key}" not in urlsplit(endpoint(value)).path + urlsplit(value).query:
            raise ValueError("TICKET_URL needs {key} in its path or query")
        return value

    @field_validator("ticket_pattern")
    @classmethod
    def _ticket_key(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as exc:
            raise ValueError(f"TICKET_PATTERN is not a regular expression: {exc}") from exc
        return value

    @field_validator("ticket_header")
    @classmethod
    def _ticket_header(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.fullmatch(
            r"[A-Za-z0-9-]+: [\x20-\x7e]+", value.get_secret_value()
        ):
            raise ValueError("TICKET_HEADER has to be `Name: value`")
        return value

    @model_validator(mode="after")
    def _no_metadata(self) -> Self:
        """Clouds tell whoever asks there the machine's credentials."""
        addresses = {
            "github_api_url": self.github_api_url,
            "github_url": self.github_url,
            "openai_base_url": self.openai_base_url,
            "otel_exporter_otlp_endpoint": self.otel_exporter_otlp_endpoint,
            "sentry_dsn": self.sentry_dsn.get_secret_value(),
        }
        for name, address in addresses.items():
            host = urlsplit(address or "").hostname
            if host and is_metadata(host) and not self.allow_link_local:
                raise ValueError(
                    f"{name.upper()}: this is a cloud metadata address; set "
                    "ALLOW_LINK_LOCAL=true if intended"
                )
        return self

    @cached_property
    def private_key(self) -> str:
        """The App's key as PEM. Raises SettingsError if there is none."""
        if self.github_private_key_file is not None:
            return _text_of(self.github_private_key_file)
        key = self.github_private_key.get_secret_value()
        if not key:
            raise SettingsError(
                "GITHUB_PRIVATE_KEY is not set. Run `glossator setup`, or set it or "
                "GITHUB_PRIVATE_KEY_FILE to the App's private key."
            )
        return key.replace("\\n", "\n")

    @cached_property
    def webhook_secrets(self) -> tuple[str, ...]:
        return tuple(secret.get_secret_value() for secret in self.github_webhook_secrets)

    def check_app(self) -> None:
        """Raises SettingsError unless we can speak to GitHub as an App."""
        if not self.github_app_id:
            raise SettingsError("GITHUB_APP_ID is not set. Run `glossator setup` to create an App.")
        assert self.private_key

    def check_webhooks(self) -> None:
        """Raises SettingsError unless deliveries can be told from forged ones."""
        if not self.webhook_secrets:
            raise SettingsError(
                "GITHUB_WEBHOOK_SECRETS is not set. Set it to the secret of the App's webhook; "
                "without one, no delivery is accepted."
            )

    def check_redis(self) -> None:
        """Raises SettingsError unless there is a Redis that several processes can share."""
        if not self.redis_url:
            raise SettingsError(
                "REDIS_URL is not set. `glossator serve` starts its own Redis; web, work and "
                "schedule need a shared Redis."
            )

    @property
    def has_github_sign_in(self) -> bool:
        return bool(self.github_client_id and self.github_client_secret.get_secret_value())

    @property
    def links_need_sign_in(self) -> bool:
        return self.link_sign_in and self.has_github_sign_in

    @property
    def has_llm(self) -> bool:
        return bool(self.llm_model)

    def without_llm(self) -> Self:
        """The same for a review that no model reads."""
        return self.model_copy(update={"llm_model": ""})

    def with_context(self, tokens: int) -> Self:
        """The same with so many LLM_CONTEXT_TOKENS."""
        return self.model_copy(update={"llm_context_tokens": tokens})


def _text_of(path: Path) -> str:
    """What the file of the private key holds. Raises SettingsError."""
    try:
        text = path.read_text()
        wrong = "" if text.strip() else f"{path} is empty"
    except UnicodeDecodeError:
        wrong = f"{path} is not a text file"
    except OSError as exc:
        wrong = f"{exc.filename}: {exc.strerror}"
    if wrong:
        raise SettingsError(
            f"GITHUB_PRIVATE_KEY_FILE: {wrong}. Give the path of the App's .pem file."
        )
    return text


def load(**overrides: Any) -> Settings:
    """Settings from the environment, and from a file only where `_env_file` names one. Raises
    SettingsError naming each wrong variable."""
    try:
        return Settings(**overrides)
    except ValidationError as exc:
        lines = [_error_text(error) for error in exc.errors()]
        raise SettingsError("Invalid settings:\n  " + "\n  ".join(lines)) from exc


def _error_text(error: ErrorDetails) -> str:
    if not error["loc"]:  # of several variables; the message names them
        return _problem(error)
    name = str(error["loc"][0])
    return f"{name.upper()}: {_problem(error)}{_masked(name, error['input'])}"


def _problem(error: ErrorDetails) -> str:
    """What is wrong in plain words, without the library's own."""
    context = error.get("ctx", {})
    match error["type"]:
        case "int_parsing" | "int_type" | "int_from_float":
            return "must be a whole number"
        case "float_parsing" | "float_type":
            return "must be a number"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case "greater_than_equal":
            return f"must be {context['ge']} or more"
        case "greater_than":
            return f"must be more than {context['gt']}"
        case "less_than_equal":
            return f"must be {context['le']} or less"
        case "string_pattern_mismatch":
            return "must be a slash and lowercase letters, such as /review"
        case "enum" | "literal_error":
            return f"must be one of {context['expected']}"
        case _:
            return error["msg"].removeprefix("Value error, ")


def misspelled(variables: Iterable[str]) -> list[tuple[str, str]]:
    """Variables that are no settings but look like one, each with that setting's name. Short names
    and those without an underscore are not looked at: they may be anybody's."""
    known = [name.upper() for name in Settings.model_fields]
    found = []
    for variable in sorted(set(variables) - set(known)):
        if "_" in variable and len(variable) >= _LEAST_NAME:
            found += [(variable, near) for near in get_close_matches(variable, known, 1, _ALIKE)]
    return found


def _masked(name: str, value: object) -> str:
    """The value, unless it is a secret or an address that may hold one."""
    secret = "Secret" in str(Settings.model_fields[name].annotation)
    address = isinstance(value, str) and re.search("[@?]", value)
    return "" if secret or address else f" (got {value!r})"
