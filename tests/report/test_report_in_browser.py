"""Both forms of the report in a real browser: every control works, and nothing is asked for."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from pages import browser, opened
from PIL import Image

from report_stand_ins import Analysis
from study_example import HOSTILE, example_study, hostile_study
from study_tables import make_field, make_tables
from zincflux.report import render_report, render_study

pytestmark = pytest.mark.browser

COURSES = "Time courses by condition"
SUPERPLOT = "Dishes and their cells by condition"
DOSES = "Dose response"
CELLS = "All cells, sorted by response"
CHARTS = (COURSES, SUPERPLOT, DOSES, CELLS)


@pytest.fixture(scope="module")
def chromium():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def study_page(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("study") / "report.html"
    file.write_text(render_study(example_study()), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def movie_page(tmp_path_factory) -> Path:
    image, labels = make_field(9, size=80)
    file = tmp_path_factory.mktemp("movie") / "report.html"
    text = render_report(Analysis(**make_tables(24), overview=image, labels=labels))
    file.write_text(text, encoding="utf-8")
    return file


def words(chart) -> list[str]:
    return chart.locator(".plot .axes text").evaluate_all("all => all.map(e => e.textContent)")


def picture(chart) -> str:
    return chart.locator(".plot .frame").inner_html()


def lines(chart) -> int:
    return chart.locator(".plot .line:visible").count()


def name(chart, text):
    return chart.locator(".legend button").filter(has_text=text).first


def test_all_charts_of_a_study_are_drawn(chromium, study_page):
    with opened(chromium, study_page) as seen:
        for title in CHARTS:
            chart = seen.chart(title)
            assert chart.count() == 1, title
            assert chart.locator(".plot > svg").get_attribute("aria-label")
        assert lines(seen.chart(COURSES)) == 10
        assert seen.chart(COURSES).locator(".band").count() == 10
        assert seen.chart(SUPERPLOT).locator(".plot .mark").count() == 80
        assert seen.chart(CELLS).locator("image.heat").count() == 1


def test_buttons_zoom_the_axes_and_reset_them(chromium, study_page):
    with opened(chromium, study_page) as seen:
        for title in CHARTS:
            chart = seen.chart(title)
            before = words(chart)
            chart.get_by_role("button", name="Zoom in").click()
            assert words(chart) != before, title
            chart.get_by_role("button", name="Show everything").click()
            assert words(chart) == before, title
            chart.get_by_role("button", name="Zoom out").click()
            assert words(chart) != before, title


def test_a_drag_zooms_and_a_double_click_resets(chromium, study_page):
    with opened(chromium, study_page) as seen:
        chart = seen.chart(COURSES)
        chart.locator(".plot").scroll_into_view_if_needed()
        before = words(chart)
        box = chart.locator(".plot .frame").bounding_box()
        mouse = seen.page.mouse
        mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"])
        mouse.down()
        mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=3)
        assert chart.locator(".drag").count() == 1
        mouse.up()
        assert chart.locator(".drag").count() == 0
        assert words(chart) != before
        chart.locator(".plot").dblclick(position={"x": 300, "y": 100})
        assert words(chart) == before


def test_names_in_the_legend_hide_and_show(chromium, study_page):
    with opened(chromium, study_page) as seen:
        chart = seen.chart(COURSES)
        first = name(chart, "ZnCl2, 0 µM")
        first.click()
        assert first.get_attribute("aria-pressed") == "false"
        assert lines(chart) == 9
        chart.get_by_role("button", name="Hide all").click()
        assert lines(chart) == 0
        chart.get_by_role("button", name="Show all").click()
        assert lines(chart) == 10
        first.click(modifiers=["Alt"])
        assert lines(chart) == 1


def test_pointing_at_a_name_lets_the_others_fade(chromium, study_page):
    with opened(chromium, study_page) as seen:
        chart = seen.chart(COURSES)
        name(chart, "ZnCl2, 30 µM").hover()
        assert chart.locator(".line.faded").count() == 9
        seen.page.mouse.move(1, 1)
        assert chart.locator(".faded").count() == 0


def test_measure_axis_and_bands_are_chosen(chromium, study_page):
    with opened(chromium, study_page) as seen:
        chart = seen.chart(COURSES)
        assert "Free zinc (nM)" in words(chart)
        chart.get_by_role("combobox").select_option(label="F/F0")
        assert "F/F0" in words(chart)
        log = chart.get_by_role("button", name="Logarithmic axis")
        was, before = log.get_attribute("aria-pressed"), words(chart)
        log.click()
        assert log.get_attribute("aria-pressed") != was
        assert words(chart) != before
        chart.get_by_role("button", name="Show bands").click()
        assert chart.locator(".band").count() == 0


def test_keys_move_the_read_out_zoom_and_reset(chromium, study_page):
    with opened(chromium, study_page) as seen:
        for title in CHARTS:
            chart = seen.chart(title)
            plot, tip = chart.locator(".plot"), chart.locator(".tip")
            before = words(chart)
            plot.focus()
            plot.press("ArrowRight")
            assert tip.is_visible(), title
            first = tip.inner_text()
            plot.press("ArrowRight")
            assert tip.inner_text() != first, title
            plot.press("Escape")
            assert tip.is_hidden()
            plot.press("+")
            zoomed = picture(chart)
            assert words(chart) != before
            plot.press("Shift+ArrowRight")
            assert picture(chart) != zoomed
            plot.press("0")
            assert words(chart) == before


def test_every_control_is_reached_by_the_tab_key(chromium, study_page):
    with opened(chromium, study_page) as seen:
        wanted = seen.page.locator(
            "button:visible, select:visible, .plot, a, summary:visible"
        ).count()
        reached = set()
        for _ in range(wanted + 5):
            seen.page.keyboard.press("Tab")
            place = seen.page.evaluate(
                "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
            )
            reached.add(place)
        assert len(reached) >= wanted


def test_hovering_reads_numbers_of_all_lines(chromium, study_page):
    with opened(chromium, study_page) as seen:
        chart = seen.chart(COURSES)
        chart.locator(".plot").hover(position={"x": 600, "y": 200})
        text = chart.locator(".tip").inner_text()
        assert "Zn uptake" in text
        assert re.search(r"Zn citrate, 180 µM\s*[\d.]+ nM \([\d.]+ to [\d.]+\)", text)


def test_a_cell_of_one_movie_is_read_by_pointer_and_keys(chromium, movie_page):
    with opened(chromium, movie_page) as seen:
        chart = seen.chart("Free zinc")
        plot = chart.locator(".plot")
        plot.focus()
        plot.press("ArrowRight")
        plot.press("ArrowUp")
        assert "cell 1" in chart.locator(".tip").inner_text()
        assert chart.locator(".cell.chosen").count() == 1
        for label in ("F/F0", "Signal", "Free zinc"):
            options = chart.get_by_role("combobox").locator("option").all_inner_texts()
            chosen = next(one for one in options if one.lower().startswith(label.lower()))
            chart.get_by_role("combobox").select_option(label=chosen)
            assert any(word.lower().startswith(label.lower()) for word in words(chart))
        assert chart.locator(".cells .cell").count() == 22


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen(chromium, study_page, movie_page, width, scheme):
    for file in (study_page, movie_page):
        with opened(chromium, file, width=width, scheme=scheme) as seen:
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 28)"}[scheme]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(chromium, study_page, scheme):
    """WCAG 2.1 asks for a contrast of 4.5 for words, and of 3 for lines that carry meaning."""
    with opened(chromium, study_page, scheme=scheme) as seen:
        colours = seen.page.evaluate(
            """() => {
              const style = getComputedStyle(document.documentElement);
              const names = ["paper", "ink", "soft", "accent", "cell"];
              for (let n = 0; n < 7; n += 1) names.push(`c${n}`);
              return Object.fromEntries(
                names.map(n => [n, style.getPropertyValue(`--${n}`).trim()]));
            }"""
        )
    ground = luminance(colours.pop("paper"))
    for key, colour in colours.items():
        bright, dark = sorted([luminance(colour), ground], reverse=True)
        contrast = (bright + 0.05) / (dark + 0.05)
        assert contrast >= (4.5 if key in ("ink", "soft", "accent") else 2.8), (key, contrast)


def luminance(colour: str) -> float:
    """Relative luminance of a colour as WCAG 2.1 defines it."""
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_hostile_names_are_text(chromium, tmp_path):
    file = tmp_path / "report.html"
    file.write_text(render_study(hostile_study()), encoding="utf-8")
    with opened(chromium, file) as seen:
        text = seen.page.locator("body").inner_text()
        assert "<script>alert(1)</script>" in seen.page.locator("h1").inner_text()
        assert '=HYPERLINK("http://x","y")' in text
        assert seen.page.locator("img:not([src^='data:'])").count() == 0
        legend = seen.chart(COURSES).locator(".legend bdi").all_inner_texts()
        assert len(legend) == len(HOSTILE)
        assert max(map(len, legend)) <= 60
        chart = seen.chart(COURSES)
        for key in ("ArrowRight", "ArrowRight"):
            chart.locator(".plot").press(key)
        assert "<script>alert(1)</script>" in chart.locator(".tip").inner_text()
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_without_scripts_tables_and_pictures_remain(chromium, movie_page, study_page):
    with opened(chromium, movie_page, scripts=False) as seen:
        picture = seen.page.locator("noscript img")
        assert picture.count() == 1
        assert picture.is_visible()
    with opened(chromium, study_page, scripts=False) as seen:
        assert seen.page.get_by_text("Numbers of this chart").count() == 4
        assert seen.page.get_by_role("button").count() == 0


def test_the_printed_page_is_light_and_shows_hidden_lines(chromium, study_page):
    with opened(chromium, study_page, scheme="dark") as seen:
        chart = seen.chart(COURSES)
        chart.get_by_role("button", name="Hide all").click()
        seen.page.emulate_media(media="print")
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == (
            "rgb(255, 255, 255)"
        )
        assert lines(chart) == 10
        assert chart.locator(".bar").is_hidden()
        assert seen.page.locator("nav.contents").is_hidden()
        pdf = seen.page.pdf(format="A4")
        assert pdf.startswith(b"%PDF")
        assert len(pdf) < 3_000_000


def test_the_map_of_cells_has_colours(chromium, study_page):
    with opened(chromium, study_page) as seen:
        frame = seen.chart(CELLS).locator(".plot > svg")
        picture = Image.open(io.BytesIO(frame.screenshot())).convert("RGB")
        pixels = np.asarray(picture).reshape(-1, 3).astype(int)
        yellow = (pixels[:, 0] > 230) & (pixels[:, 2] < 90)
        blue = (pixels[:, 2] > 70) & (pixels[:, 0] < 40)
        assert yellow.sum() > 1000
        assert blue.sum() > 1000


def test_the_methods_are_copied(chromium, study_page):
    with opened(chromium, study_page) as seen:
        button = seen.page.locator("button[data-copy]")
        assert button.inner_text() == "Copy the methods"
        button.click()
        done = seen.page.get_by_text(re.compile("Copied|Selected: press"))
        done.wait_for()
