"""Which file servers read, and that all but the App's secrets stays in it."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.env_file import (
    NAME,
    SECRETS,
    Role,
    as_env,
    existing_secrets,
    load_for_role,
    load_for_server,
    write_secrets,
)
from bot.config.settings import Settings, SettingsError, load

PEM = "-----BEGIN RSA PRIVATE KEY-----\\nMIIE+/==\\n-----END RSA PRIVATE KEY-----"
VALUES = dict(zip(SECRETS, ("7", PEM, "s3cret", "Iv1.x", "c0de", "k-_9"), strict=True))


def test_other_lines_comments_and_long_values_stay(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text(
        "# ours\nexport LLM_MODEL=small\n"
        'GITHUB_PRIVATE_KEY="-----BEGIN\nold\n-----END"\n'
        "GITHUB_APP_ID=1\nKEEP_DAYS=7"
    )
    write_secrets(env, VALUES)
    assert env.read_text() == "# ours\nexport LLM_MODEL=small\nKEEP_DAYS=7\n" + as_env(VALUES)
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [env]


def test_the_settings_read_what_was_kept(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    write_secrets(env, VALUES)
    settings = Settings(_env_file=env)
    assert settings.github_app_id == "7"
    assert settings.private_key == PEM.replace("\\n", "\n")
    assert settings.webhook_secrets == ("s3cret",)


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("A=1\n")
    link = tmp_path / ".env"
    link.symlink_to("real")
    write_secrets(link, VALUES)
    assert link.is_symlink()
    assert (tmp_path / "real").read_text().startswith("A=1\n")


def test_empty_variables_are_not_there(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    assert existing_secrets(env) == ()
    env.write_text("GITHUB_APP_ID=\nSECRET_KEY=x\n")
    assert existing_secrets(env) == ("SECRET_KEY",)


@given(
    st.dictionaries(
        st.from_regex(r"[A-Z][A-Z_]{0,9}", fullmatch=True).filter(lambda n: n not in SECRETS),
        st.text("abc #='\\$"),
    )
)
def test_keeping_twice_is_keeping_once(
    tmp_path_factory: pytest.TempPathFactory, others: dict[str, str]
) -> None:
    directory = tmp_path_factory.mktemp("env")
    env = directory / ".env"
    env.write_text("".join(f"{name}={value}\n" for name, value in others.items()))
    write_secrets(env, VALUES)
    once = env.read_text()
    write_secrets(env, VALUES)
    assert env.read_text() == once


def test_servers_read_the_file_of_the_data_directory_below_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv("KEEP_DAYS", "9")
    (tmp_path / NAME).write_text("KEEP_DAYS=7\nMAX_COMMENTS=3\n")
    settings = load_for_server(None)
    assert (settings.keep_days, settings.max_comments) == (9, 3)


def test_a_named_file_is_read_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).write_text("KEEP_DAYS=7\n")
    Path("other").write_text("MAX_COMMENTS=3\n")
    settings = load_for_server(Path("other"))
    assert (settings.keep_days, settings.max_comments) == (90, 3)


def test_without_a_file_the_environment_is_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "none"))
    assert load_for_server(None) == load()


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="none does not exist"):
        load_for_server(tmp_path / "none")


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    if content is None:
        (tmp_path / NAME).mkdir()
    else:
        (tmp_path / NAME).write_bytes(content)
    with pytest.raises(SettingsError, match="cannot be read"):
        load_for_server(None)


@pytest.mark.parametrize("name", [".env", NAME, f".glossator/{NAME}"])
def test_no_file_of_the_working_directory_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DATA_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text("KEEP_DAYS=7\n")
    for settings in (load(), load_for_server(None)):
        assert settings.keep_days == 90
        assert settings.data_dir == tmp_path / "home/.local/share/glossator"


@pytest.mark.parametrize(
    ("role", "kept"),
    [
        (Role.WEB, {"github_webhook_secrets", "github_client_secret", "api_tokens"}),
        (Role.WORKER, {"github_private_key", "openai_api_key"}),
        (Role.SCHEDULER, {"github_private_key"}),
    ],
)
def test_a_process_keeps_the_secrets_of_its_role_alone(
    role: Role, kept: set[str], tmp_path: Path
) -> None:
    env = tmp_path / "all.env"
    write_secrets(env, {**VALUES, "API_TOKENS": "t0ken", "OPENAI_API_KEY": "sk-1"})
    settings = load_for_role(role, env)
    shared = {"secret_key"}
    held = {
        name
        for name, field in Settings.model_fields.items()
        if "Secret" in str(field.annotation) and str(getattr(settings, name)).strip("()")
    }
    assert held == kept | shared


def test_on_one_machine_the_app_key_signs_links_where_there_is_no_other(tmp_path: Path) -> None:
    env = tmp_path / "old.env"
    write_secrets(env, {"GITHUB_PRIVATE_KEY": PEM, "OPENAI_API_KEY": "sk-1"})
    settings = load_for_role(Role.WEB, env)
    assert settings.private_key
    assert not settings.openai_api_key.get_secret_value()
