"""The sandbox GitHub of the tests: with people, a record of all requests, and planned faults."""

from contextlib import AbstractAsyncContextManager

from bot.runtime.http_server import serving
from tests.support.sandbox.faults import Faults
from tests.support.sandbox.recorder import Exchange, FaultyProtocol, Recorder
from tests.support.sandbox.users import Users


class Sandbox(Users):
    """`faults` takes planned faults, `requests` holds every request that came in."""

    faults: Faults
    requests: list[Exchange]

    def _serve(self) -> AbstractAsyncContextManager[None]:
        self.faults, self.requests = Faults(), []
        app = Recorder(self.application(), self.faults, self.requests, self.state.clock)
        return serving(app, self._listener, http=FaultyProtocol)

    def writes(self) -> list[Exchange]:
        """The requests that changed something, whatever was answered."""
        return [exchange for exchange in self.requests if exchange.wrote]
