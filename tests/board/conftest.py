import shutil

import pytest

if not shutil.which("chromedriver"):
    pytest.exit("chromium-driver is not installed: deploy/lib/setup.sh test", returncode=2)

from browser import Browser, axe_core  # pylint: disable=wrong-import-position
from fake_board import FakeBoard  # pylint: disable=wrong-import-position


@pytest.fixture(scope="session")
def server():
    fake = FakeBoard()
    yield fake
    fake.close()


@pytest.fixture(scope="session")
def chromium():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def board(server):
    server.reset()
    return server


@pytest.fixture
def page(chromium, board):
    """A browser with one empty tab, which remembers nothing."""
    driver = chromium.driver
    for handle in driver.window_handles[1:]:
        driver.switch_to.window(handle)
        driver.close()
    driver.switch_to.window(driver.window_handles[0])
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": board.url, "storageTypes": "all"})
    chromium.take_focus()
    chromium.size(1440, 900)
    chromium.theme("light")
    driver.get("about:blank")
    chromium.errors()
    yield chromium
    errors = chromium.errors()
    assert not errors, errors


@pytest.fixture(scope="session")
def axe():
    """The text of axe-core."""
    return axe_core() or pytest.skip("axe-core is not there: deploy/lib/setup.sh test fetches it")
