"""ConnectorSuite: the tests that every connector passes, inherited by a vendor's own test class.

    class TestRapat(ConnectorSuite):
        connector = RapatConnector

        @contextlib.asynccontextmanager
        async def service(self):
            async with serve(create_app(...)) as url:
                yield {"base_url": url, "api_token": "invented"}

The service must stand still while a test runs: give the fake a clock that does not move.
It needs pytest, and no plugin of it: each test brings its own event loop. What else a vendor may
write (deliveries, uploads, results, notices, received, take_back, future_cursor) is in `base`.
"""

from .delivering import DeliveryChecks
from .directory import DirectoryChecks
from .failing import FailureChecks
from .files import FileChecks
from .manners import MannersChecks
from .notices import NoticeChecks
from .polling import PollingChecks
from .results import ResultChecks
from .settings import SettingsChecks
from .statements import StatementChecks

__all__ = ["ConnectorSuite"]


class ConnectorSuite(
    SettingsChecks,
    PollingChecks,
    DeliveryChecks,
    FileChecks,
    StatementChecks,
    DirectoryChecks,
    ResultChecks,
    NoticeChecks,
    FailureChecks,
    MannersChecks,
):
    """Inherit, name your `connector`, and write `service`."""
