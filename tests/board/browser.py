"""Debian's Chromium, headless, for the tests of the page and for its pictures."""
import json
import os
import subprocess
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

# Lets a test move the page's own clock: all times of the page come from performance.now().
CLOCK = """
(() => {
	const now = performance.now.bind(performance);
	window.skipped = 0;
	performance.now = () => now() + window.skipped;
})();
"""
SETUP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "lib", "setup.sh")


def axe_core():
    """The text of axe-core; None if it is not there."""
    folder = subprocess.run(["bash", "-c", f". {SETUP} && kpid_axe_dir"], capture_output=True, text=True, check=True).stdout.strip()
    path = os.path.join(folder, "axe.min.js")
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return file.read()


class Browser:
    def __init__(self, width=1440, height=900, sound_needs_a_click=True, insecure=False):
        """insecure: takes a certificate that nobody vouches for."""
        options = webdriver.ChromeOptions()
        policy = "document-user-activation-required" if sound_needs_a_click else "no-user-gesture-required"
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio", "--lang=en",
                         f"--window-size={width},{height}", f"--autoplay-policy={policy}"):
            options.add_argument(argument)
        options.accept_insecure_certs = insecure
        options.binary_location = "/usr/bin/chromium"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.size(width, height)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CLOCK})
        self.take_focus()

    def take_focus(self):
        """Lets the tab behave as if its window had the focus, whatever other windows do."""
        self.driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})

    def close(self):
        self.driver.quit()

    def size(self, width, height, mobile=False, scale=1):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": mobile})

    def theme(self, name):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name},
                                                                                {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def get(self, url):
        self.driver.get(url)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def module(self, name, body, *arguments):
        """What `body` returns, with the exports of a module of the page as `m`; `args` are the arguments."""
        script = ("const done = arguments[arguments.length - 1], args = [...arguments].slice(0, -1);"
                  f"import('/assets/{name}').then((m) => {{ {body} }}).then((value) => done({{value}}), (error) => done({{error: String(error.stack)}}));")
        found = self.driver.execute_async_script(script, *arguments)
        assert "error" not in found, found["error"]
        return found.get("value")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.until(lambda: self.all(selector), f"there is no {selector}")[0]

    def text(self, selector):
        """The text of the first element, as it is written in the page; '' if there is none."""
        return self.run("return (document.querySelector(arguments[0])?.textContent ?? '').replace(/\\s+/g, ' ').trim()", selector)

    def texts(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent.replace(/\\s+/g, ' ').trim())", selector)

    def click(self, selector):
        """Even if the page draws the element again meanwhile."""
        def clicked():
            try:
                self.one(selector).click()
                return True
            except StaleElementReferenceException:
                return False
        self.until(clicked, f"cannot click {selector}")

    def until(self, holds, why, seconds=10):
        """Waits until holds() is true, and returns its value. Fails with `why`, and with what holds() returned last."""
        deadline = time.monotonic() + seconds
        while True:
            value = holds()
            if value:
                return value
            assert time.monotonic() < deadline, f"{why}: {value!r}"
            time.sleep(0.05)

    def skip(self, seconds):
        """Moves the page's clock on."""
        self.run("window.skipped += arguments[0] * 1000", seconds)

    def errors(self):
        """What the browser's console complains of, less what a test provokes."""
        try:
            lines = self.driver.get_log("browser")
        except WebDriverException:
            return []
        return [line["message"] for line in lines if line["level"] == "SEVERE" and "Failed to load resource" not in line["message"]
                and "ERR_" not in line["message"]]

    def violations(self, axe):
        """What axe-core complains of in the page as it is, as text."""
        self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": axe})
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}).then((r) => done(r.violations), (e) => done([{id: String(e), nodes: []}]));")
        return json.dumps([{"id": fault["id"], "help": fault.get("help"), "nodes": [(node["html"][:160], node["failureSummary"][:300]) for node in fault["nodes"][:3]]}
                           for fault in found], indent=1, ensure_ascii=False) if found else ""
