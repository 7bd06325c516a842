"""`glossator doctor`: is everything in place, and if not, what to do. One line for each thing."""

import asyncio
import json
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum

import httpx2

from bot.config.settings import Settings, SettingsError
from bot.github.app import GitHubApp
from bot.github.deliveries import list_deliveries, undelivered
from bot.github.errors import GitHubError
from bot.github.manifest import EVENTS, permissions
from bot.runtime.subprocesses import run_git
from bot.security.tls import trusted
from bot.store import RedisError, Store, connect
from workers.analysis.answer_schemas import VERDICTS_SCHEMA
from workers.analysis.llm.capabilities import Capabilities
from workers.analysis.llm.client import LLM
from workers.analysis.llm.errors import (
    CutOffError,
    LLMAccessError,
    LLMError,
    RefusedError,
    TooLongError,
    UnreadableAnswerError,
)
from workers.scan.analyzers.analyzer import Analyzer
from workers.scan.analyzers.isolation import Isolation, isolation
from workers.scan.analyzers.registry import ANALYZERS, AST_GREP, NAMES, unknown_names

#: JWTs are refused when clocks differ by more; ours are backdated by a minute.
MAX_SKEW_SECONDS = 45

#: What shows that the packages of the analyzers are installed: programs beside our Python.
PROGRAMS = tuple(
    analyzer.program
    for analyzer in ANALYZERS
    if isinstance(analyzer, Analyzer) and analyzer.program
)

#: `--filter`, protocol v2 and `GIT_CONFIG_COUNT` are all there from this git on.
MIN_GIT = (2, 31)

MIN_REDIS = (6, 2)


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Check:
    """One line; `remedy` says what to do where it is not ok."""

    name: str
    level: Level
    text: str
    remedy: str = ""


Probe = Callable[[Settings], Awaitable[Sequence[Check]]]


async def run_checks(settings: Settings) -> tuple[Check, ...]:
    """Everything, at once; in a fixed order."""
    probes: tuple[Probe, ...] = (
        *(check_key, check_github, check_redis, check_llm, check_tickets, check_machine),
    )
    found = await asyncio.gather(*(one(settings) for one in probes))
    return tuple(check for checks in found for check in checks)


def ok(name: str, text: str) -> Check:
    return Check(name, Level.OK, text)


def warning(name: str, text: str, remedy: str) -> Check:
    return Check(name, Level.WARNING, text, remedy)


def failure(name: str, text: str, remedy: str) -> Check:
    return Check(name, Level.FAILURE, text, remedy)


async def check_key(settings: Settings) -> Sequence[Check]:
    """The App's id, key and secrets, as far as they can be judged without GitHub."""
    try:
        settings.check_app()
    except SettingsError as exc:
        return [failure("settings", str(exc), "Run `glossator setup`.")]
    if not settings.webhook_secrets:
        text = "GITHUB_WEBHOOK_SECRETS is not set here"
        return [warning("settings", text, "Set it for `web` and `serve`; workers do not need it.")]
    if settings.public_url.startswith("http://localhost"):
        remedy = "Set PUBLIC_URL to the public URL of this server; it is used in links."
        return [warning("settings", f"PUBLIC_URL is {settings.public_url}", remedy)]
    if settings.public_url.startswith("https://") and not settings.trusted_proxies:
        text = "PUBLIC_URL is https and TRUSTED_PROXIES is empty"
        remedy = (
            "Set TRUSTED_PROXIES to the proxy that terminates TLS, unless it is on this machine."
        )
        return [warning("settings", text, remedy)]
    return [ok("settings", f"App {settings.github_app_id}, {len(settings.webhook_secrets)} secret")]


async def check_github(settings: Settings) -> Sequence[Check]:
    """Reachable, the clock right, the App as we need it, its deliveries arriving."""
    async with httpx2.AsyncClient(verify=trusted(), timeout=settings.github_timeout) as http:
        try:
            answer = await http.get(settings.github_api_url)
        except httpx2.HTTPError as exc:
            text = f"{settings.github_api_url} does not answer ({type(exc).__name__})"
            return [failure("github", text, "Check GITHUB_API_URL, the network and any proxy.")]
        checks = [ok("github", f"{settings.github_api_url} answers"), _clock(answer)]
        try:
            app = GitHubApp(
                api_url=settings.github_api_url,
                app_id=settings.github_app_id,
                private_key=settings.private_key,
                http=http,
            )
            return [*checks, *await _app(app, settings)]
        except (GitHubError, SettingsError, ValueError) as exc:
            remedy = "Check GITHUB_APP_ID and GITHUB_PRIVATE_KEY, or run `glossator setup`."
            return [*checks, failure("app", str(exc), remedy)]


def _clock(answer: httpx2.Response) -> Check:
    date_header = answer.headers.get("date")
    if date_header is None:
        return warning("clock", "GitHub's response had no Date header", "Try again later.")
    skew = abs(time.time() - parsedate_to_datetime(date_header).timestamp())
    if skew > MAX_SKEW_SECONDS:
        remedy = (
            "Synchronize this machine's clock (NTP): GitHub rejects tokens with the wrong time."
        )
        return failure("clock", f"{skew:.0f} s off GitHub's clock", remedy)
    return ok("clock", f"{skew:.0f} s off GitHub's clock")


async def _app(app: GitHubApp, settings: Settings) -> list[Check]:
    gh = app.as_app()
    data = await gh.getitem("/app")
    granted, events = data.get("permissions", {}), data.get("events", [])
    needed = permissions(code_scanning=settings.code_scanning_upload, job_logs=settings.ci_logs)
    missing_permissions = [
        f"{name}: {level}"
        for name, level in needed.items()
        if granted.get(name) not in ({level, "write"} if level == "read" else {level})
    ]
    missing_events = [event for event in EVENTS if event not in events]
    remedy = "Change it in the App's settings on GitHub, and accept it in each installation."
    checks = [ok("app", f"{data['name']} ({data['slug']})")]
    if missing_permissions:
        checks.append(failure("permissions", f"missing {', '.join(missing_permissions)}", remedy))
    else:
        checks.append(ok("permissions", "ok"))
    if missing_events:
        checks.append(failure("events", f"not subscribed to {', '.join(missing_events)}", remedy))
    else:
        checks.append(ok("events", "ok"))
    hook = await gh.getitem("/app/hook/config")
    expected = f"{settings.public_url}/webhooks/github"
    if hook.get("url") != expected:
        text = f"the App's webhook is {hook.get('url')!r}, not {expected}"
        checks.append(warning("webhook", text, "Set PUBLIC_URL, or the App's webhook URL."))
    else:
        checks.append(ok("webhook", expected))
    attempts = await list_deliveries(gh, datetime.now(UTC) - timedelta(days=1))
    if failed := undelivered(attempts):
        text = f"{len(failed)} failed in the last 24 h"
        remedy = "Start the scheduler, which redelivers them. See Advanced in the App's settings."
        checks.append(warning("deliveries", text, remedy))
    else:
        checks.append(ok("deliveries", f"{len(attempts)} delivered in the last 24 h"))
    return checks


async def check_redis(settings: Settings) -> Sequence[Check]:
    """There, new enough, and keeping what it is given."""
    if not settings.redis_url:
        return [ok("redis", "embedded; `glossator serve` starts it")]
    store = Store(connect(settings.redis_url), keep_seconds=1)
    try:
        version = await store.redis_version()
        warnings = await store.warnings()
        without = await store.pulls.without_dependencies()
    except RedisError as exc:
        text = f"no answer ({type(exc).__name__})"
        return [failure("redis", text, "Check REDIS_URL, its password and the network.")]
    finally:
        await store.aclose()
    if _version(version) < MIN_REDIS:
        return [failure("redis", f"version {version}", "Use Redis 6.2 or newer.")]
    checks = [ok("redis", f"version {version}")]
    checks += [warning("redis", one.problem, one.remedy) for one in warnings]
    if without:
        text = f"GitHub does not review those of {', '.join(without[:10])}"
        remedy = "Enable the dependency graph there; private ones need GitHub Advanced Security."
        checks.append(warning("dependencies", text, remedy))
    return checks


async def check_llm(settings: Settings) -> Sequence[Check]:
    """One tiny structured question to each model that is named."""
    if not settings.has_llm:
        text = "none; reviews use static analyzers only"
        return [warning("llm", text, "Set LLM_MODEL, and OPENAI_BASE_URL and OPENAI_API_KEY.")]
    configured = (settings.llm_model, settings.llm_verify_model, *settings.llm_fallback_models)
    models = dict.fromkeys(filter(None, configured))
    return [check for model in models for check in await _ask_model(settings, model)]


async def _ask_model(settings: Settings, model: str) -> Sequence[Check]:
    single_model = settings.model_copy(update={"llm_model": model, "llm_fallback_models": ()})
    llm = LLM(single_model, None)
    started = time.monotonic()
    try:
        answer = await llm.ask(
            "You answer with JSON only.",
            'Answer with the JSON object {"verdicts": []}.',
            VERDICTS_SCHEMA,
            purpose="doctor",
        )
    except LLMError as exc:
        return [failure("llm", f"{model}: {exc}", _llm_remedy(exc))]
    else:
        seconds = time.monotonic() - started
        learned = await _learned(settings, model, await llm.capabilities(model))
    finally:
        await llm.aclose()
    tokens = answer.usage.prompt_tokens + answer.usage.completion_tokens
    checks = [
        ok("llm", f"{model} answered as requested ({tokens} tokens, {seconds:.1f} s)"),
        ok("llm", f"{model}: {learned.described()}"),
    ]
    if learned.context is not None and learned.context < settings.llm_context_tokens:
        text = f"LLM_CONTEXT_TOKENS is {settings.llm_context_tokens:,}, too much for {model}"
        remedy = (
            f"Prompts are sized for {learned.context:,} and split into more parts. To read more at "
            "once, raise the model's context on its server."
        )
        checks.append(warning("llm", text, remedy))
    return checks


async def _learned(settings: Settings, model: str, asked: Capabilities) -> Capabilities:
    """What our question showed, with what only the long ones of reviews do."""
    if not settings.redis_url:
        return asked
    store = Store(connect(settings.redis_url), keep_seconds=1)
    llm = LLM(settings, store)
    try:
        known = await llm.capabilities(model)
    except RedisError:  # which has a line of its own
        return asked
    finally:
        await llm.aclose()
        await store.aclose()
    return replace(
        asked,
        context=known.context or asked.context,
        speed=known.speed or asked.speed,
        longest=known.longest or asked.longest,
        roomy=known.roomy or asked.roomy,
    )


def _llm_remedy(exc: LLMError) -> str:
    match exc:
        case LLMAccessError():
            return "Check OPENAI_API_KEY and its account."
        case CutOffError():
            return "Raise LLM_ANSWER_TOKENS, or reduce the model's reasoning effort."
        case TooLongError():
            return "Raise the model's context on its server, or lower LLM_CONTEXT_TOKENS."
        case UnreadableAnswerError() | RefusedError():
            return "Choose a model that follows instructions and writes JSON."
        case _:
            return "Check OPENAI_BASE_URL, OPENAI_API_KEY and the model's name."


async def check_tickets(settings: Settings) -> Sequence[Check]:
    """Whose repositories may have tickets read, where there is a tracker."""
    if not settings.ticket_url:
        return []
    if not settings.ticket_owners:
        text = "TICKET_OWNERS is empty, so no tickets are read"
        remedy = "Name the organizations and users whose repositories may have tickets read."
        return [warning("tickets", text, remedy)]
    return [ok("tickets", f"read for {', '.join(settings.ticket_owners)}")]


async def check_machine(settings: Settings) -> Sequence[Check]:
    """git, the analysers, and what keeps them in."""
    checks = [await _git()]
    scripts_directory = sysconfig.get_path("scripts")
    missing = [name for name in PROGRAMS if shutil.which(name, path=scripts_directory) is None]
    if missing:
        remedy = "Reinstall Glossator's requirements; they include these programs."
        checks.append(warning("analyzers", f"missing: {', '.join(missing)}", remedy))
    else:
        checks.append(ok("analyzers", ", ".join(PROGRAMS)))
    there = shutil.which(AST_GREP, path=scripts_directory) is not None
    state = "installed" if there else "not installed; optional, the extra `rules`"
    checks.append(ok("own rules", f"{AST_GREP}: {state}"))
    if unknown := unknown_names(settings.analyzers_disabled):
        text = f"ANALYZERS_DISABLED has unknown names: {', '.join(unknown)}"
        checks.append(failure("analyzers", text, f"Choose from {', '.join(NAMES)}."))
    isolation_kind = await asyncio.to_thread(isolation)
    checks.append(_isolation(isolation_kind, required=settings.require_isolation))
    return [*checks, _disk(settings)]


def _isolation(kind: Isolation, *, required: bool) -> Check:
    if kind.holds:
        return ok("isolation", kind.value)
    remedy = "Use Linux 5.13 or newer with Landlock, or install the package `bubblewrap`."
    if shutil.which("bwrap"):
        remedy = "Use Linux 5.13 or newer with Landlock, or allow unprivileged user namespaces."
    if required:
        text = "Analyzers do not run: REQUIRE_ISOLATION is on, and no isolation works here."
        return failure("isolation", text, remedy)
    return warning("isolation", kind.value, remedy)


def _disk(settings: Settings) -> Check:
    """Room for two clones at once where they are made."""
    directory = tempfile.gettempdir()
    free, needed = shutil.disk_usage(directory).free >> 20, 2 * settings.clone_mb
    if free < needed:
        remedy = "Free disk space, point TMPDIR to another disk, or lower CLONE_MB."
        return warning("disk", f"{free} MB free in {directory}, {needed} may be needed", remedy)
    return ok("disk", f"{free} MB free in {directory}")


async def _git() -> Check:
    try:
        _, out, _ = await run_git("--version")
    except FileNotFoundError:
        return failure("git", "not installed", "Install git.")
    version = out.decode().removeprefix("git version ").strip()
    if _version(version) < MIN_GIT:
        return failure("git", f"version {version}", "Use git 2.31 or newer.")
    return ok("git", f"version {version}")


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


_MARKS = {Level.OK: "✓", Level.WARNING: "!", Level.FAILURE: "✗"}


def as_lines(checks: Sequence[Check]) -> str:
    """For people: a line each, the remedy below what is not ok."""
    lines: list[str] = []
    for check in checks:
        lines.append(f"{_MARKS[check.level]} {check.name:<12} {check.text}")
        if check.remedy:
            lines.append(f"  {'':<12} → {check.remedy}")
    return "\n".join(lines)


def as_json(checks: Sequence[Check]) -> str:
    return json.dumps([asdict(check) for check in checks], indent=1)
