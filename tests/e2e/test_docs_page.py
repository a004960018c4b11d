"""The documentation page, in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.processes import service
from tests.strictness import skip_or_fail

PATIENCE = 20

pytestmark = pytest.mark.browser


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """Chromium without a window and without a network but this machine."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        skip_or_fail("chromium", "install chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "window-size=1200,1500",
        f"user-data-dir={tmp_path}/c",
    ):
        options.add_argument(f"--{argument}")
    options.add_argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield started
    finally:
        started.quit()


def test_the_page_lists_the_operations_and_tries_one_out(browser: webdriver.Chrome, tmp_path: Path) -> None:
    with service(tmp_path) as running:
        browser.get(f"{running.url}/docs")
        waiting = WebDriverWait(browser, PATIENCE)
        waiting.until(lambda page: len(page.find_elements(By.CSS_SELECTOR, ".opblock")) >= 10)
        browser.find_element(By.CSS_SELECTOR, "#operations-posts-list_posts button").click()
        execute = waiting.until(
            lambda page: page.find_element(By.CSS_SELECTOR, "#operations-posts-list_posts .execute")
        )
        browser.execute_script("arguments[0].click()", execute)
        status = waiting.until(
            lambda page: page.find_element(By.CSS_SELECTOR, ".live-responses-table .response .response-col_status").text
        )
        assert status.split()[0] == "200"
        body = browser.find_element(By.CSS_SELECTOR, ".live-responses-table .response .response-col_description").text
        assert "Hello, hexagon" in body
        refused = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]  # type: ignore[no-untyped-call]
        assert refused == []
