"""Signing in, as a browser does it."""

import subprocess
import tempfile

import pytest

from app import create_app
from app.accounts import Locked, sign_in

PASSWORD = "correct-horse-battery"


@pytest.fixture
def client():
    folder = tempfile.mkdtemp()
    app = create_app({"DATABASE": f"sqlite:///{folder}/test.db", "SECRET_KEY": "only-for-tests"})
    app.accounts.add("ada", password=PASSWORD)
    return app.test_client()


def test_the_right_password_opens_a_session(client):
    answer = client.post("/sign-in", data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper()])
def test_a_wrong_password_does_not(client, password):
    answer = client.post("/sign-in", data={"name": "ada", "password": password})
    assert answer.status_code == 401


def test_five_wrong_ones_lock_the_account(client):
    for _ in range(5):
        client.post("/sign-in", data={"name": "ada", "password": "wrong"})
    with pytest.raises(Locked):
        sign_in(client.application.accounts, "ada", PASSWORD)


def test_the_command_line_knows_the_account(client):
    done = subprocess.run("python -m app accounts", shell=True, capture_output=True, text=True)
    assert "ada" in done.stdout


def test_an_unknown_name_is_refused(client):
    with pytest.raises(Exception):
        sign_in(client.application.accounts, "nobody", PASSWORD)
