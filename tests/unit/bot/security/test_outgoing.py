"""No request goes to an address that is not public, however its name is written."""

import pytest

from bot.security.outgoing import AddressRefused, NotReached, post


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8000/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://[::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
    ],
)
async def test_a_private_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="NOTIFY_ALLOW_PRIVATE"):
        await post(url, b"", {}, allow_private=False)


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://[::ffff:169.254.169.254]/"])
async def test_metadata_is_refused_always(url: str) -> None:
    with pytest.raises(AddressRefused, match="metadata"):
        await post(url, b"", {}, allow_private=True)


async def test_nobody_who_answers_is_no_answer() -> None:
    with pytest.raises(NotReached):
        await post("http://127.0.0.1:9/", b"", {}, allow_private=True)
