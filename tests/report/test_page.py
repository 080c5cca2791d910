"""The page: one file, offline, escaped, sensible when parts are missing."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fake_case import fake_case

from canalrisk.findings import Finding
from canalrisk.report import render

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Reader(HTMLParser):
    """Collects tags, references, texts and checks that elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.references: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.references += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "action", "data", "srcset")]
        self.ids += [v or "" for k, v in attrs if k == "id"]
        if tag == "img" or found.get("role") == "img":
            self.images.append(found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


def test_page_is_one_offline_file(page: str) -> None:
    reader = read(page)
    assert len(page.encode()) < 5_000_000
    outside = [r for r in reader.references if not r.startswith(("#", "data:image/png;base64,"))]
    assert outside == []
    assert not {"script", "iframe", "object", "embed", "link", "form"} & set(reader.tags)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page
    assert "default-src 'none'" in page


def test_identifiers_are_unique_so_that_pictures_do_not_share_clips(page: str) -> None:
    ids = read(page).ids
    assert len(ids) == len(set(ids))


def test_every_picture_has_words(page: str) -> None:
    images = read(page).images
    assert len(images) > 15
    for image in images:
        assert len((image.get("alt") or image.get("aria-label") or "").split()) >= 4


def test_embedded_pictures_are_png(page: str) -> None:
    found = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)", page)
    assert found
    assert all(base64.b64decode(text)[:8] == b"\x89PNG\r\n\x1a\n" for text in found)


def test_research_use_comes_before_any_number(page: str) -> None:
    body = page[page.index("<body") :]
    assert body.index("not a diagnosis") < body.index("%")
    assert body.index("not calibrated for tumoral calcinosis") < body.index("<header>")
    assert body.index("adults with OPLL") < body.index("<header>")


def test_serious_findings_come_before_the_numbers(page: str) -> None:
    body = page[page.index("<body") :]
    assert body.index("The mass reaches the cord at C4/5 today.") < body.index('class="cards"')


def test_every_model_stands_with_its_interval_and_the_headline_is_their_range(page: str) -> None:
    found = page[page.index('id="found"') : page.index('id="check"')]
    card = found[found.index('"name">Myelopathy risk') :]
    assert '"value">10 to 19\u00a0%</div>' in card
    assert "depending on the model; widest" in card
    for cell in ("13 % (6 to 25)", "10 % (5 to 19)", "19 % (10 to 36)"):
        assert f"<td>{cell}</td>" in found


def test_failed_time_is_said_with_its_reason(page: str) -> None:
    assert "contact step halved 8 times without convergence" in page
    assert '<span class="badge failed">failed</span>' in page


@pytest.mark.usefixtures("coarse")
def test_pages_of_the_same_case_are_the_same_and_a_single_time_speaks_of_no_future() -> None:
    case = fake_case(n_times=1)
    html = render(case)
    assert html == render(case)
    text = "".join(read(html).text)
    assert "If it grows" not in text
    assert "1 year:" not in text


@pytest.mark.usefixtures("coarse")
def test_hostile_names_do_not_inject() -> None:
    evil = "<script>alert(1)</script>\"'><img src=http://x onerror=alert(1)>{{ 7*7 }}$x^2$"
    finding = Finding("X" + evil, 'x"><script>', evil, evil)  # type: ignore[arg-type]
    hostile = fake_case(name=evil, findings=(finding,), n_times=2)
    hostile.provenance["inputs"] = {"labels_name": evil, "labels_sha256": evil}
    hostile.provenance["command"] = f"canalrisk assess '{evil.replace(chr(39), '')}'"
    hostile.dataset["worst_level"] = hostile.dataset["worst_level"].copy(data=[evil, evil])
    hostile.dataset["mechanics_reason"] = hostile.dataset["mechanics_reason"].copy(data=[evil, evil])
    hostile.dataset.attrs["population"] = evil
    reader = read(render(hostile))
    assert "script" not in reader.tags
    assert [r for r in reader.references if "http" in r] == []
    assert "{{ 7*7 }}" in "".join(reader.text), "shown as typed, evaluated nowhere"


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mass": False}, "No mass was given"),
        ({"cord": False}, "The cord model was not run."),
        ({"failed": (0, 1), "findings": ()}, "converged at no time"),
    ],
)
def test_missing_parts_are_said(options: dict[str, object], words: str) -> None:
    text = " ".join("".join(read(render(fake_case(n_times=2, **options))).text).split())  # type: ignore[arg-type]
    assert words in text
    assert ("Nothing had to be assumed or reported." in text) == ("findings" in options)
    assert "nan" not in re.findall(r"\b\w+\b", text.lower())


@pytest.mark.usefixtures("coarse")
def test_a_case_without_any_index_still_renders() -> None:
    bare = fake_case(cord=False, n_times=2)
    names = list(bare.dataset.data_vars)
    empty = bare.dataset.drop_vars(names)
    object.__setattr__(bare, "dataset", empty.drop_dims(["section", "foramen", "side", "model"], errors="ignore"))
    text = "".join(read(render(bare)).text)
    assert "No sections were measured." in text
    assert "No foramen could be measured" in text
    assert "No risk was computed." in text


@pytest.mark.usefixtures("coarse")
def test_a_mass_that_reaches_no_section_has_no_worst_level_and_erodes_nothing_that_is_told() -> None:
    away = fake_case(n_times=2)
    object.__setattr__(away, "dataset", away.dataset.drop_vars("bone_eroded"))
    away.dataset["worst_level"] = away.dataset["worst_level"].copy(data=["none", "none"])
    away.dataset["worst_s"] = away.dataset["worst_s"] * float("nan")
    text = "".join(read(render(away)).text)
    assert "Bone eroded" not in text
    assert "In the canal" in text
    assert "at none" not in text
    assert "worst:" not in text


def test_growth_tells_the_bone_eroded(page: str) -> None:
    # Fake case: 150 mm3 per year, told at 0, 3, ... 12 months.
    part = page[page.index('<section id="growth">') : page.index('<section id="cord">')]
    assert "<th>Bone eroded</th>" in part
    assert "<td>38 mm³</td>" in part
    assert "<td>150 mm³</td>" in part
