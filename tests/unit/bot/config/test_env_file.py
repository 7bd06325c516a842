"""What is in `.env` stays there, but for the App's secrets."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.config.env_file import SECRETS, as_env, existing_secrets, write_secrets
from bot.config.settings import Settings

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
