"""Labs in a real browser: a solution runs to its end, and a student goes from `lift lab` to 'passed'."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.conftest import needs_program

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "only-for-this-test"
CHROMIUM_OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
]
RUN_ALL_S = 150

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: the student's folder, and the address of a notebook in it."""

    work: Path
    port: int
    log: Path

    def address(self, notebook: str) -> str:
        return f"http://127.0.0.1:{self.port}/lab/tree/{notebook}?token={TOKEN}&reset"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(lab: Lab, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, lab.log.read_text()
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{lab.port}/api?token={TOKEN}", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"JupyterLab did not answer: {lab.log.read_text()}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab as `lift lab` starts it, with settings of its own and every cell kept in the page."""
    home = tmp_path_factory.mktemp("jupyter")
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(json.dumps({"windowingMode": "none"}))
    lab = Lab(tmp_path_factory.mktemp("my_labs"), free_port(), home / "server.log")
    folders = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
    folders |= {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = {**os.environ, "LIFT_WORK": str(lab.work), **{k: str(home / v) for k, v in folders.items()}}
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}"]
    command = [sys.executable, "-m", "lift_core.cli", "lab", "00", "--port", str(lab.port)]
    with (
        lab.log.open("wb") as log,
        subprocess.Popen(
            [*command, *(f"--jupyter={option}" for option in options)], env=environment, stdout=log, stderr=log
        ) as server,
    ):
        try:
            wait_for(lab, server)
            yield lab
        finally:
            server.terminate()
            server.wait(30)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", lab.port), 5):
        pytest.fail("JupyterLab outlived `lift lab`")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = needs_program("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


def keep(page: Page, name: str, fallback: Path) -> None:
    """Keep a screenshot: in the folder that ``LIFT_ARTIFACTS`` names, else among the test's temporary files."""
    folder = Path(os.environ.get("LIFT_ARTIFACTS", fallback))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / name)


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page whose last sight is kept, be the test passed or not."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    expect.set_options(timeout=60_000)
    yield page
    keep(page, f"{request.node.name}.png", tmp_path)
    page.close()


def open_notebook(page: Page, lab: Lab, name: str) -> Locator:
    """Open a notebook and wait until all its cells are drawn and its kernel answers; returns the notebook's panel."""
    cells = json.loads((lab.work / name).read_text(encoding="utf-8"))["cells"]
    page.goto(lab.address(name))
    panel = page.locator(".jp-NotebookPanel:visible")
    expect(prompts(panel)).to_have_count(sum(cell["cell_type"] == "code" for cell in cells))
    # The panel's own sign says "idle" before there is a kernel; the status bar does not.
    expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible()
    return panel


def prompts(panel: Locator, pattern: str = "") -> Locator:
    """The "[1]:" of the code cells, those that match ``pattern``."""
    return panel.locator(".jp-CodeCell .jp-InputPrompt").filter(has_text=re.compile(pattern))


def choose(page: Page, menu: str, command: str, seen: Callable[[], None]) -> None:
    """Choose a command until ``seen`` finds its effect: a page that is busy with itself may lose a click."""
    for last in (False, False, True):
        page.keyboard.press("Escape")
        page.get_by_role("menuitem", name=menu, exact=True).click()
        page.locator(f"li[data-command='{command}']").click()
        try:
            return seen()
        except AssertionError:
            if last:
                raise
    return None


def run_all(page: Page, panel: Locator) -> None:
    """Clear all outputs, run all cells, and wait until each has its number."""
    count, begun = prompts(panel).count(), prompts(panel, r"\[[*\d]+\]")
    choose(page, "Edit", "editmenu:clear-all", lambda: expect(begun).to_have_count(0, timeout=20_000))
    choose(page, "Run", "runmenu:run-all", lambda: expect(begun).not_to_have_count(0, timeout=20_000))
    expect(prompts(panel, r"\[\d+\]")).to_have_count(count, timeout=RUN_ALL_S * 1000)


def run_with_check(page: Page, panel: Locator, check: Locator) -> None:
    """Run the cell that is being edited and the check below it, as students do."""
    # A key that comes before the notebook knows what is edited, or what is next, goes elsewhere.
    expect(panel.locator(".jp-Notebook.jp-mod-editMode")).to_be_visible()
    page.keyboard.press("Shift+Enter")
    expect(panel.locator(".jp-Notebook.jp-mod-commandMode")).to_be_visible()
    expect(check).to_have_class(re.compile(r"\bjp-mod-active\b"))
    page.keyboard.press("Shift+Enter")


def test_solution_runs_in_the_browser_and_its_slider_changes_the_picture(lab: Lab, page: Page, tmp_path: Path):
    shutil.copy(ROOT / "solutions" / "00_start_here.ipynb", lab.work / "solution_00.ipynb")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    panel = open_notebook(page, lab, "solution_00.ipynb")
    run_all(page, panel)

    video = panel.locator("video").first
    video.scroll_into_view_if_needed()
    expect(video).to_have_js_property("paused", False)
    played = video.evaluate("video => video.currentTime")
    page.wait_for_function("([video, before]) => video.currentTime != before", arg=[video.element_handle(), played])
    keep(page, "lab_00_player.png", tmp_path)

    image = panel.locator("img.widget-image")
    image.scroll_into_view_if_needed()
    before = image.screenshot()
    address = image.get_attribute("src")
    panel.locator(".noUi-handle").last.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    expect(image).not_to_have_attribute("src", address or "")
    assert image.screenshot() != before
    keep(page, "lab_00_slider.png", tmp_path)

    assert (
        panel.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedText.jp-mod-error").count() == 0
    )
    assert panel.locator(".jp-OutputArea", has_text=": passed").count() >= 4
    assert problems == []


def test_student_fills_in_an_exercise_in_the_browser_and_reads_passed(lab: Lab, page: Page, tmp_path: Path):
    assert (lab.work / "00_start_here.ipynb").read_bytes() == (ROOT / "labs" / "00_start_here.ipynb").read_bytes()
    panel = open_notebook(page, lab, "00_start_here.ipynb")
    stub = panel.locator(".cm-line", has_text="lift-stub:00.1")
    stub.scroll_into_view_if_needed()
    check = panel.locator(".jp-CodeCell", has_text="lab00.to_tensor(to_tensor)").last

    stub.click()
    run_with_check(page, panel, check)
    expect(check.locator(".jp-OutputArea")).to_contain_text("not attempted yet")

    stub.click()
    page.keyboard.press("End")
    page.keyboard.press("Shift+Home")
    page.keyboard.type("return torch.from_numpy(frame).permute(2, 0, 1).float() / 255")
    run_with_check(page, panel, check)
    expect(check.locator(".jp-OutputArea")).to_contain_text("Exercise 00.1 to_tensor: passed")
    keep(page, "lab_00_passed.png", tmp_path)
