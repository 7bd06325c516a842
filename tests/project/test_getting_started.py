"""What the docs have people type works: the command line parses their commands, the settings their
values, systemd the unit, and a real nginx passes on what a real server has to get."""

import asyncio
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import typer.main
import websockets

from bot.cli.app import app
from bot.config.settings import Settings, load
from bot.runtime.tcp_ports import free_port
from bot.security.links import review_links
from bot.store import Store
from bot.web.app import create_app
from tests.support.web_server import make_settings, open_review, serving
from workers.offline.deliver import check_delivery
from workers.offline.doctor import Level

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GETTING_STARTED = (ROOT / "docs/getting-started.md").read_text()
UNIT = ROOT / "deploy/systemd/glossator.service"
NGINX = ROOT / "deploy/proxy/nginx.conf"


def typed() -> list[str]:
    """Each `glossator …` of a console block, without what the shell does with it."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
            for line in re.findall(r"^[$#] (.*)$", block, re.MULTILINE):
                command = re.search(r"(?<!/)\bglossator ((?:[a-z]+|--)[^;|&>#()]*)", line)
                if command and not line.startswith(("useradd", "secret()", "kubectl", "git clone")):
                    found.append(command[1].strip())
    return found


@pytest.mark.parametrize("line", typed())
def test_each_command_is_one_of_ours(line: str) -> None:
    if line in ("--version", "glossator"):
        return
    name, *arguments = shlex.split(line.replace("…", "x"))
    group = typer.main.get_command(app)
    command = group.commands[name]  # type: ignore[attr-defined]
    command.make_context(name, arguments)


def test_the_commands_are_found() -> None:
    assert {"setup --url https://glossator.example.org", "serve", "doctor --deliver"} <= set(
        typed()
    )


def providers() -> list[tuple[str, str]]:
    rows = re.findall(r"^\| ([\w ,]+) \| `(https?://[^`]+)` \|", GETTING_STARTED, re.MULTILINE)
    assert len(rows) >= 7
    return rows


@pytest.mark.parametrize(("name", "url"), providers())
def test_each_provider_can_be_set(name: str, url: str) -> None:
    assert load(_env_file=None, openai_base_url=url, llm_model="some").openai_base_url


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_numbers_beside_settings_are_their_defaults(page: Path) -> None:
    text = page.read_text()
    named = [
        *((setting, number) for number, setting in re.findall(r"([\d,]+) \(`([A-Z_]+)`\)", text)),
        *re.findall(r"`([A-Z_]+)` \(([\d,]+)\)", text),
    ]
    for setting, number in named:
        default = Settings.model_fields[setting.lower()].default
        assert int(number.replace(",", "")) == default, setting


def test_the_unit_and_the_page_name_the_same_paths() -> None:
    unit = UNIT.read_text()
    [program] = re.findall(r"^ExecStart=(\S+) serve$", unit, re.MULTILINE)
    [directory] = re.findall(r"^Environment=DATA_DIR=(\S+)$", unit, re.MULTILINE)
    [user] = re.findall(r"^User=(\S+)$", unit, re.MULTILINE)
    assert f"sudo -u {user} DATA_DIR={directory} {program} setup" in GETTING_STARTED
    assert f"cp /opt/glossator/{UNIT.relative_to(ROOT)} " in GETTING_STARTED
    [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)
    assert int(seconds) > Settings.model_fields["shutdown_seconds"].default + 5


def test_systemd_reads_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.M))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert "glossator.service" not in done.stderr


@asynccontextmanager
async def nginx_before(port: int, folder: Path) -> AsyncIterator[str]:
    """A real nginx with our file, but for TLS, in front of this port; yields its address."""
    own = free_port()
    site = NGINX.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    site = re.sub(r"listen 443[^;]*;", f"listen 127.0.0.1:{own};", site)
    site = re.sub(r"^\s*ssl_certificate.*$", "", site, flags=re.MULTILINE)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"pid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{site}\n}}\n"
    )
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        pytest.skip("nginx is missing: apt-get install nginx-light")
    process = await asyncio.create_subprocess_exec(program, "-p", str(folder), "-c", str(whole))
    try:
        yield f"127.0.0.1:{own}"
    finally:
        process.terminate()
        await process.wait()


async def test_nginx_passes_deliveries_and_live_pages_on(
    redis_url: str, store: Store, tmp_path: Path
) -> None:
    settings = make_settings(redis_url, github_webhook_secrets="s3cret")
    async with (
        serving(create_app(settings)) as address,
        nginx_before(int(address.rpartition(":")[2]), tmp_path) as public,
    ):
        given = load(_env_file=None, github_webhook_secrets="s3cret", public_url=f"http://{public}")
        checks = await check_delivery(given)
        while checks[0].level is Level.FAILURE and "does not answer" in checks[0].text:
            checks = await check_delivery(given)  # nginx is still starting
        assert [check.level for check in checks] == [Level.OK, Level.OK], checks
        review = await open_review(store)
        page = review_links(settings, review.id).page
        feed = f"ws://{public}/ws/reviews/{review.id}?{page.partition('?')[2]}"
        async with websockets.connect(feed) as socket:
            assert '"connected"' in str(await socket.recv())
