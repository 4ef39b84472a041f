"""The page needs nothing but itself, says all that the ledger says, and takes no text for anything but text."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fixtures.plugin.properties import thumbnail
from fixtures.tasks import questions
from reports.files.figures import figures
from reports.files.page import page, seen
from reports.ledger.ledger import UnfinishedRecord
from suite.support.runs.ledgers import MEASURED, SET_ASIDE, TASKS, example, ledger, record, whole

HOSTILE = (
    "<script>document.title='taken'</script>\"'><img src=x onerror=\"document.title='taken'\"> "
    "\u202etxet \u2066{{ 7*7 }}"
)
CELL = 'a[aria-label^="stages.early-drop, miniature, ChooseAttr"]'
LARGEST = 5 * 2**20
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")


def hostile() -> Any:
    """A ledger whose every text is an attack."""
    made_up = whole()
    return replace(
        made_up,
        environment=replace(made_up.environment, command=HOSTILE),
        records=tuple(
            replace(each, sentence=HOSTILE, reason=HOSTILE, notes=(HOSTILE,), statistic=HOSTILE, bound=HOSTILE)
            for each in made_up.records
        ),
        measurements=tuple(
            replace(each, set_aside={HOSTILE: 1}, left_out={HOSTILE: {HOSTILE: 1}}, source=HOSTILE, prompt=HOSTILE)
            for each in made_up.measurements
        ),
        examples=(
            example(text=HOSTILE, answer=HOSTILE, said=HOSTILE, id=HOSTILE, curves={HOSTILE: [1.0] * 14}),
            example(text=HOSTILE, said=HOSTILE, kept=False, id="x" + HOSTILE),
            example(id="2", thumbnail='"><script>', boxes=({"name": HOSTILE, "box": [1, '"><script>', 3, 4]},)),
        ),
    )


class Tags(HTMLParser):
    """Every tag with its attributes, and the ids among them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def whole_page() -> str:
    made_up = whole()
    return page(made_up, list(figures(made_up)))


def test_it_needs_nothing_but_itself(whole_page: str) -> None:
    for tag, attributes in Tags(whole_page).found:
        assert tag not in ("iframe", "object", "embed", "base", "form")
        for name in ("src", "href", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert "url(" not in whole_page
    assert "@import" not in whole_page
    assert "default-src 'none'" in whole_page


def test_each_link_leads_somewhere_and_each_id_is_one(whole_page: str) -> None:
    tags = Tags(whole_page).found
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {attributes["href"] for tag, attributes in tags if tag == "a"}
    assert {link for link in links if link} <= {f"#{name}" for name in ids}


def test_those_who_do_not_see_it_are_told(whole_page: str) -> None:
    tags = Tags(whole_page).found
    assert all(attributes.get("alt") for tag, attributes in tags if tag == "img")
    assert all(attributes.get("aria-label") for tag, attributes in tags if tag == "svg")
    assert all(attributes.get("scope") for tag, attributes in tags if tag == "th")
    assert [tag for tag, _ in tags if tag in ("h1", "main", "header", "nav")] == ["header", "h1", "nav", "main"]


def test_every_record_is_in_it(whole_page: str) -> None:
    assert whole_page.count('class="record"') == len(whole().records)
    assert "57.2 [52.0, 62.5] points" in whole_page
    assert whole_page.count("data:image/svg+xml") == 4


def test_p_values_stand_next_to_the_bound_and_are_explained() -> None:
    content = page(ledger(replace(MEASURED, p=0.004, p_holm=0.12), record(verdict="recorded")))
    assert "<dt>p (adjusted)</dt><dd>0.004 (0.12)</dd>" in content
    assert content.count("<dt>p (adjusted)</dt>") == 1
    assert "one without a p counts as 1" in content


def test_the_page_says_what_a_knockout_shows(whole_page: str) -> None:
    assert whole_page.count('id="what-a-knockout-shows"') == 1
    assert "A drop shows that the model needs a route" in whole_page
    assert "It does not show that the route is unused" in whole_page


def test_only_a_claim_that_holds_by_an_absence_says_so() -> None:
    absent = replace(MEASURED, absence=True, verdict="holds")
    others = (replace(absent, absence=False), *(replace(absent, verdict=each) for each in ("fails", "inconclusive")))
    assert 'class="caveat"><dt>note</dt><dd>holds because a drop is absent: ' in page(ledger(absent))
    assert not [each for each in others if 'class="caveat"' in page(ledger(each))]


def test_the_reason_of_an_expected_departure_is_told() -> None:
    content = page(ledger(replace(MEASURED, verdict="fails", expected="fails", expected_because="it reads <words>")))
    assert "<dt>fails expected</dt><dd>it reads &lt;words&gt;</dd>" in content


def test_how_far_a_run_came_and_what_was_left_out_is_told() -> None:
    lacking = replace(SET_ASIDE, left_out={"related->question": {"box on no patch": 3}})
    cut = UnfinishedRecord(model="miniature", task="QueryAttr", measured=40, asked=128)
    content = page(replace(ledger(MEASURED, measurements=(lacking,)), unfinished=(cut,)))
    assert "box on no patch: 3 of ChooseAttr (related-&gt;question)" in content
    assert "measured when the run ended: QueryAttr 40 of 128 questions" in content


def test_hostile_text_is_text() -> None:
    content = page(hostile())
    assert sum(tag == "script" for tag, _ in Tags(content).found) == 1
    assert not [
        attributes for _, attributes in Tags(content).found if any(name.startswith("on") for name in attributes)
    ]
    assert "\u202e" not in content
    assert "[U+202E]" in content
    assert "{{ 7*7 }}" in content


def test_characters_that_show_nothing_are_named() -> None:
    assert seen("a\u202eb\u200bc\0") == "a[U+202E]b[U+200B]c[U+0000]"
    assert seen("été 猫 \n") == "été 猫 \n"


def test_a_run_that_measured_nothing_has_a_page() -> None:
    content = page(ledger(record(verdict="not run", reason="the run ended before this test")))
    assert "the run ended before this test" in content
    assert 'id="figures"' not in content


def test_two_models_stand_under_one_claim() -> None:
    both = ledger(MEASURED, replace(MEASURED, model="other", verdict="fails"))
    content = page(replace(both, models=(*both.models, replace(both.models[0], name="other"))))
    assert content.count("<h3>stages.early-drop</h3>") == 1
    assert 'aria-label="stages.early-drop, other, ChooseAttr: fails"' in content


def pictured() -> Any:
    """Six tasks with three pictures each, as many as a run shows."""
    made_up = whole()
    cases = [(task, each) for task in TASKS[:-1] for each in questions(task, n=3)]
    return replace(
        made_up,
        examples=tuple(
            example(task=task, id=each.id, text=each.text, size=each.image_size, thumbnail=thumbnail(each))
            for task, each in cases
        ),
    )


def test_six_tasks_with_pictures_and_figures_stay_light_and_are_soon_written() -> None:
    made_up = pictured()
    start = time.process_time()
    drawings = list(figures(made_up))
    between = time.process_time()
    content = page(made_up, drawings)
    assert time.process_time() - between < (between - start) / 4, "the figures take the time, not the page"
    assert content.count("data:image/jpeg") == 18
    assert len(content.encode()) < LARGEST


# --- in a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not (BROWSER and DRIVER):
        pytest.skip("no chromium with its chromedriver is installed (Debian: chromium and chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="install the extra 'test'")
    options: Any = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for switch in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "window-size=1280,900"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver: Any = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    made_up, file = pictured(), tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(page(made_up, list(figures(made_up))), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def browser_page(browser: Any, address: str) -> Any:
    browser.get(address)
    return browser


def test_it_opens_soon_and_without_a_complaint(browser_page: Any) -> None:
    timing: dict[str, float] = browser_page.execute_script(
        "return performance.getEntriesByType('navigation')[0].toJSON()"
    )
    assert timing["domContentLoadedEventEnd"] < 1000
    assert browser_page.get_log("browser") == []


def test_a_cell_opens_its_claim(browser_page: Any) -> None:
    elements = browser_page.find_element("css selector", "#r0")
    assert not elements.get_property("open")
    for _ in range(2):
        browser_page.find_element("css selector", CELL).click()
        browser_page.implicitly_wait(2)
        browser_page.find_element("css selector", "#r0[open]")
        browser_page.find_element("css selector", "#r0 > summary:focus")
        for text in ("Blocked early", "57.2 [52.0, 62.5] points", ">= 40", "117"):
            assert text in elements.text
        assert elements.find_element("css selector", "svg.chart").is_displayed()
        assert elements.find_elements("css selector", "svg.chart .bound")
        browser_page.execute_script("arguments[0].open = false", elements)


def test_the_keyboard_alone_opens_a_claim(browser_page: Any) -> None:
    browser_page.find_element("css selector", CELL).send_keys("\ue007")  # Enter
    browser_page.implicitly_wait(2)
    browser_page.find_element("css selector", "#r0[open]")


def test_figures_and_pictures_are_seen(browser_page: Any) -> None:
    images = browser_page.find_elements("css selector", "img, svg.picture image")
    assert len(images) == 4 + 18
    for image in browser_page.find_elements("css selector", "img"):
        assert browser_page.execute_script("return arguments[0].complete && arguments[0].naturalWidth > 100", image)
        assert image.is_displayed()
    box = browser_page.find_element("css selector", "svg.picture .box")
    assert box.is_displayed()
    assert box.size["width"] > 10


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_any_screen_in_either_scheme(browser_page: Any, width: int, scheme: str) -> None:
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser_page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser_page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    assert browser_page.execute_script("return document.documentElement.scrollWidth") <= width
    read = "const c = getComputedStyle(document.body); return [c.color, c.backgroundColor]"
    ink, paper = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in browser_page.execute_script(read))
    assert (ink < paper) == (scheme == "light")
    assert abs(ink - paper) > 500


def test_it_prints_what_is_closed(browser_page: Any) -> None:
    browser_page.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert not browser_page.find_elements("css selector", "details:not([open])")
    browser_page.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not browser_page.find_elements("css selector", ".record[open]")


def test_hostile_text_stays_text_in_a_browser(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(page(hostile()), encoding="utf-8")
    browser.get((tmp_path / "index.html").as_uri())
    assert browser.title == "Claims: miniature"
    assert "<script>document.title='taken'</script>" in browser.find_element("css selector", ".question").text
    assert browser.get_log("browser") == []
