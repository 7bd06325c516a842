"""The documentation speaks of what is there: files, commands, settings, permissions, events."""

import re
from pathlib import Path

import pytest

from bot.cli.app import app
from bot.config.settings import Settings
from bot.github.manifest import EVENTS, PERMISSIONS
from bot.webhooks.translate import HANDLED
from tests.project.texts import texts

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md"))]
COMMANDS = {
    command.name or command.callback.__name__
    for command in app.registered_commands
    if command.callback
}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

#: GitHub sends these to every App, unasked.
#: https://docs.github.com/en/webhooks/webhook-events-and-payloads
UNASKED = {"installation", "installation_repositories", "ping"}

#: Variables of others that the pages name.
FOREIGN = {
    "OLLAMA_CONTEXT_LENGTH",
    *("REPO", "RANGE", "ONCE", "SEED", "BENCH", "FUZZ_SECONDS", "UPDATE_GOLDEN", "CASE"),
    *(
        "GITHUB_TOKEN",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "NO_PROXY",
        "NO_COLOR",
        "GLOSSATOR_MCP_TOKEN",
        "GITHUB_EVENT_PATH",
        "SSL_CERT_FILE",
        "GIT_SSL_CAINFO",
        "FORWARDED_ALLOW_IPS",
        "TMPDIR",
        "EDITOR",
        "PWD",
        "REDIS_PASSWORD",
        "OTEL_TRACES_SAMPLER",
        "OTEL_RESOURCE_ATTRIBUTES",
        "ENV_FILE",  # names a file of settings, and is none itself
    ),
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_target_exists(page: Path) -> None:
    text = page.read_text()
    commands = set(re.findall(r"(?:`|\$ |/)glossator ([a-z]+)", text))
    targets = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", text))
    assert commands - COMMANDS == set()
    assert targets - TARGETS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_variable_is_a_setting(page: Path) -> None:
    named = set(re.findall(r"`([A-Z][A-Z]*_[A-Z_]+)(?:=[^`]*)?`", page.read_text()))
    assert named - {name.upper() for name in Settings.model_fields} - FOREIGN == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:bot|workers|templates|tests|deploy|docs)/[\w/.-]+)`", page.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_page_of_permissions_is_what_the_manifest_asks_for() -> None:
    page = (ROOT / "docs/permissions.md").read_text()
    documented = re.findall(r"^\| ([a-z ]+): (read|write) \|", page, re.MULTILINE)
    assert {name.replace(" ", "_"): level for name, level in documented} == PERMISSIONS
    [events] = re.findall(r"^Events: (.+)$", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", events)) == set(EVENTS)


def test_the_app_asks_for_the_events_that_it_handles() -> None:
    assert set(EVENTS) == set(HANDLED) - UNASKED


def test_every_path_that_the_architecture_page_names_exists() -> None:
    pages = [ROOT / "docs/architecture.md", ROOT / "CONTRIBUTING.md"]
    named = {
        path
        for page in pages
        for path in re.findall(
            r"`((?:bot|workers|templates|docs|tests|deploy)/[\w./-]*)`", page.read_text()
        )
    }
    assert len(named) > 40
    assert not [path for path in sorted(named) if not (ROOT / path).exists()]


#: What GitHub says, and not we.
GITHUB_SAYS = {"Resource not accessible by integration"}


def test_symptoms_are_quoted_as_the_product_words_them() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    symptoms = re.findall(r"^\| (.+?) \|", page, re.MULTILINE)
    quoted = {quote for symptom in symptoms for quote in re.findall(r'"([^"]+)"', symptom)}
    assert len(quoted) > 5
    said = [
        re.sub(r"\{[^{}]*\}|`", "…", text.text) for text in texts() if not text.path.endswith(".md")
    ]
    missing = [
        quote
        for quote in quoted - GITHUB_SAYS
        if not any(all(part.strip() in text for part in quote.split("…")) for text in said)
    ]
    assert missing == []
