"""What is said of packages that a change adds, and on which line."""

import pytest

from bot.config.repository_config import RepoConfig
from bot.config.settings import Settings, load
from bot.domain.model import Advisory, Category, DependencyChange, Finding, Scan, Severity
from tests.support import run_scan
from tests.support.repositories import Repository
from workers.scan.dependencies import MAX_PACKAGES, Dependencies
from workers.scan.selection.manifests import is_manifest

ID, WORSE = "GHSA-35jh-r3h4-6jhm", "GHSA-jf85-cpcp-j695"
LOCKED = '{\n"node_modules/a-b": {},\n"node_modules/b": {\n"version": "1.0"}}\n'
BAD = Advisory(id=ID, severity=Severity.HIGH, summary="It is bad.", fixed=("2.0", "1.9"))


@pytest.fixture
def settings() -> Settings:
    return load(_env_file=None, analyzers_disabled=("secrets",))


def added(
    name: str, version: str, *advisories: Advisory, manifest: str = "go.mod", license: str = "MIT"
) -> DependencyChange:
    return DependencyChange(
        manifest=manifest,
        ecosystem="any",
        name=name,
        version=version,
        added=True,
        license=license,
        advisories=advisories,
    )


async def scan(
    repository: Repository,
    settings: Settings,
    files: dict[str, str],
    *changes: DependencyChange,
    config: RepoConfig | None = None,
) -> Scan:
    async def ask() -> Dependencies:
        return Dependencies(changes)

    before: dict[str | bytes, str | bytes] = {"a": "a\n"}
    after = dict(before)
    after.update(files.items())
    source = repository.change(before, after)
    return (
        await run_scan.scanned(source, settings, config or RepoConfig(), ask_dependencies=ask)
    ).scan


def packages(found: Scan) -> list[Finding]:
    return [each for each in found.evidence if each.source.startswith("dependencies:")]


@pytest.mark.parametrize(
    ("path", "text", "name", "version", "line"),
    [
        ("requirements.txt", "a==1\nFlask_Login==1.0  # x\n", "flask-login", "1.0", 2),
        ("go.mod", "module m\nrequire (\n\tgo.x/y/v2 v2.1.0\n)\n", "go.x/y/v2", "2.1.0", 3),
        ("package-lock.json", LOCKED, "b", "1.0", 4),
        (
            "pom.xml",
            "<artifactId>core</artifactId>\n<version>2.0</version>\n",
            "org:core",
            "2.0",
            2,
        ),
        (".github/workflows/ci.yml", "- uses: a/b@v1\n- uses: a/c@v1\n", "a/c", "1.*.*", 2),
        ("Gemfile.lock", "rack-test (1.0)\nrack (1.0)\n", "rack", "1.0", 2),
    ],
)
async def test_a_finding_is_where_the_package_is_named(
    path: str,
    text: str,
    name: str,
    version: str,
    line: int,
    settings: Settings,
    repository: Repository,
) -> None:
    assert is_manifest(path)
    change = added(name, version, BAD, manifest=path)
    [finding] = packages(await scan(repository, settings, {path: text}, change))
    assert (finding.path, finding.start_line, finding.end_line) == (path, line, line)
    assert finding.quote == text.split("\n")[line - 1]


async def test_a_package_is_one_finding_as_severe_as_its_worst_advisory(
    settings: Settings, repository: Repository
) -> None:
    worse = Advisory(id=WORSE, severity=Severity.CRITICAL, summary="Worse")
    files = {"go.mod": "x 1\n", "go.sum": "x 1\nx 2\n"}
    changes = [added("x", "1", BAD), added("x", "2", BAD, worse, manifest="go.sum")]
    [finding] = packages(await scan(repository, settings, files, *changes))
    assert (finding.path, finding.start_line) == ("go.mod", 1)  # what people write
    assert (finding.category, finding.severity) == (Category.SECURITY, Severity.CRITICAL)
    assert finding.title == "x 1, 2 has 2 known vulnerabilities"
    assert finding.url == f"https://github.com/advisories/{WORSE}"
    assert finding.body == (
        f"- {WORSE} (critical): Worse.\n- {ID} (high): It is bad. Fixed in 2.0, 1.9.\n\n"
        "It is also in `go.sum`."
    )
    moved = {"go.mod": "y 3\nx  1\n"}
    [again] = packages(await scan(repository, settings, moved, *changes))
    assert again.fingerprint == finding.fingerprint
    config = RepoConfig(dependencies_min_severity=Severity.CRITICAL)
    [only] = packages(await scan(repository, settings, files, *changes, config=config))
    assert only.title == "x 2 is vulnerable: Worse"


async def test_what_is_no_advisory_is_no_link_and_what_has_no_line_is_told_all_the_same(
    settings: Settings, repository: Repository
) -> None:
    odd = Advisory(id="GHSA-)(](javascript:x", severity=Severity.LOW, summary="Odd")
    changes = [added("x", "1", odd, manifest="gone/pom.xml")]
    [finding] = packages(await scan(repository, settings, {"go.mod": "y 3\n"}, *changes))
    assert (finding.path, finding.anchored, finding.url) == ("gone/pom.xml", False, "")
    assert finding.source == "dependencies:GHSA-javascriptx"


async def test_licenses_go_by_the_repositorys_policy(
    settings: Settings, repository: Repository
) -> None:
    changes = [
        added("x", "1", license="GPL-3.0-only OR MIT"),
        added("y", "2", BAD, license="GPL-3.0-only AND MIT"),
        added("z", "3", license=""),
    ]
    files = {"go.mod": "x 1\ny 2\nz 3\n"}
    config = RepoConfig(dependencies_advisories=False, dependencies_licenses_deny=("GPL-3.0-only",))
    found = await scan(repository, settings, files, *changes, config=config)
    [finding] = packages(found)
    assert finding.title == "y 2 has the license GPL-3.0-only AND MIT"
    assert (finding.start_line, finding.severity, finding.url) == (2, Severity.HIGH, "")
    assert not any("license" in note for note in found.notes)
    config = RepoConfig(dependencies_licenses_allow=("MIT", "GPL-3.0-only"))
    found = await scan(repository, settings, files, *changes, config=config)
    assert [each.source for each in packages(found)] == [f"dependencies:{ID}"]
    assert found.notes[-1] == "GitHub does not know the license of 1 new dependency: `z`"


async def test_nobody_is_asked_of_what_is_left_out(
    settings: Settings, repository: Repository
) -> None:
    config = RepoConfig(paths_exclude=("vendor/",))
    there = [added("x", "1", BAD, manifest="vendor/go.mod")]
    found = await scan(repository, settings, {"vendor/go.mod": "x 1\n"}, *there, config=config)
    assert (packages(found), found.dependencies) == ([], None)
    files = {"vendor/go.mod": "x 1\n", "go.mod": "y 1\n"}
    found = await scan(repository, settings, files, *there, config=config)
    assert (packages(found), found.dependencies) == ([], ())


async def test_of_very_many_the_rest_is_counted(settings: Settings, repository: Repository) -> None:
    changes = [added(f"p{n}", "1", BAD) for n in range(MAX_PACKAGES + 1)]
    found = await scan(repository, settings, {"go.mod": "p1 1\n"}, *changes)
    assert len(packages(found)) == MAX_PACKAGES
    assert found.notes[-1] == "Only 50 of 51 dependencies with a problem are reported."
    assert found.truncated_sources == ("dependencies",)


async def test_where_github_says_nothing_lines_of_manifests_do(
    settings: Settings, repository: Repository
) -> None:
    async def ask() -> Dependencies:
        return Dependencies(read_diff=True)

    before: dict[str | bytes, str | bytes] = {
        "requirements.txt": "Flask[async]==1.0\n-r other.txt\n",
        "package.json": '{\n"version": "1.0.0",\n"@a/b": "^1.0"\n}\n',
        "Cargo.toml": '[dependencies]\nserde = { version = "1.0", features = [] }\n',
        "go.mod": "require (\n\tgo.x/y v1.0\n)\n",
        "Gemfile": 'gem "rack", "~> 1.0"\n',
        ".github/workflows/ci.yml": "steps:\n- uses: a/b/c@v1.0\n",
        "package-lock.json": '{\n"lock": "1.0"\n}\n',
        "src/x.py": 'name = "1.0"\n',
    }
    after = {path: str(text).replace("1.0", "2.0") for path, text in before.items()}
    source = repository.change(before, {**after})
    found = (await run_scan.scanned(source, settings, ask_dependencies=ask)).scan
    assert {(each.name, each.version, each.added) for each in found.declared} == {
        (name, f"{'v' * (name == 'a/b/c')}{2 if added else 1}.0", added)
        for name in ("Flask", "@a/b", "serde", "go.x/y", "rack", "a/b/c")
        for added in (False, True)
    }
    assert found.dependencies is None
