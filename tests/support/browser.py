"""A headless Chromium that reads Snakemake's HTML report by clicking, like a user."""

import base64
import contextlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGES = "chromium chromium-driver"
PROGRAMS = ("chromium", "chromedriver")
# Contents of the frame that shows a result, with sizes that are 0 if not loaded.
SEEN = """
const all = name => [...document.querySelectorAll(name)];
return {
  images: all("img").map(i => i.complete ? i.naturalWidth : 0),
  videos: all("video").map(v => v.readyState < 2 ? 0 : v.videoWidth),
  errors: all("video").filter(v => v.error).map(v => v.error.message),
  rows: all("table").map(t => t.rows.length),
  text: document.body.innerText.length,
};
"""


class BrowserUnavailable(Exception):
    """Raised if Chromium or its driver is not installed; the text lists what is missing."""


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Selenium's driver of a headless Chromium that logs its console."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        install = f"apt-get install --no-install-recommends {PACKAGES}"
        raise BrowserUnavailable(f"not installed: {' '.join(missing)}; {install}")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for argument in ("headless=new", "window-size=1500,950", "disable-dev-shm-usage"):
        options.add_argument(f"--{argument}")
    if os.getuid() == 0:
        options.add_argument("--no-sandbox")  # Chromium's sandbox does not work as root
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(shutil.which("chromedriver"))
    driver = webdriver.Chrome(options, service)
    try:
        yield driver
    finally:
        driver.quit()


class HtmlReport:
    """The open report. ``results`` are Snakemake's: labels, MIME type, data URI by path."""

    def __init__(self, driver: Any, file: Path):
        self.driver = driver
        driver.get(file.as_uri())
        self.wait(lambda: self.find("nav li a"))
        self.results = driver.execute_script("return results")
        self.categories = driver.execute_script("return categories")

    def find(self, selector: str) -> list[Any]:
        return self.driver.find_elements("css selector", selector)

    def wait(self, condition: Callable[[], Any], seconds: float = 20) -> Any:
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end, "the report does not show the expected element"
            time.sleep(0.05)
        return found

    def click(self, text: str) -> None:
        """Click an item of the menu."""
        path = f"//nav//li/a[.={quoted(text)}]"
        (item,) = self.wait(lambda: self.driver.find_elements("xpath", path))
        item.click()

    def menu(self) -> list[str]:
        """Open the first menu and return its items."""
        self.driver.execute_script("app.setView({navbarMode: 'menu'})")
        return [item.text for item in self.find("nav li a")]

    def enter(self, category: str, subcategory: str) -> list[str]:
        """Open the results of a subcategory and return their titles."""
        self.menu()
        self.click(category)
        if len(self.categories[category]) > 1:
            self.click(subcategory)
        cells = self.wait(lambda: self.find("nav tbody tr td:first-child"))
        return [cell.text for cell in cells]

    def show(self, title: str) -> dict[str, Any]:
        """Open a result, wait until it is loaded, and return its visible contents."""
        path = f"//nav//tr[td[1][.={quoted(title)}]]/td[last()]//a[1]"
        (eye,) = self.driver.find_elements("xpath", path)
        eye.click()
        frame = "div.grow.h-screen iframe, div.grow.h-screen img"
        (shown,) = self.wait(lambda: self.find(frame))
        if shown.tag_name == "iframe":
            self.driver.switch_to.frame(shown)
        try:
            self.wait(self._complete)
            return self.driver.execute_script(SEEN)
        finally:
            self.driver.switch_to.default_content()

    def _complete(self) -> bool:
        seen = self.driver.execute_script(SEEN)
        return all([*seen["images"], *seen["videos"]]) and seen["text"] > 0

    def errors(self) -> list[str]:
        """Errors in the console so far."""
        entries = self.driver.get_log("browser")
        return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


def quoted(text: str) -> str:
    """An XPath literal; XPath has no escapes."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def content(result: dict[str, Any]) -> bytes:
    """The bytes of a result in the report."""
    return base64.b64decode(result["data_uri"].partition("base64,")[2])
