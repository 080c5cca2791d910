"""``qc.html``: every measured section drawn on the label map, so that a reader can check each number."""

from __future__ import annotations

from typing import Any

from canalrisk.report.figures import measured_foramina, measured_overview, measured_sections
from canalrisk.report.figures.planes import label_colours
from canalrisk.report.figures.style import MASS
from canalrisk.report.measured import measured_summary
from canalrisk.report.measured_table import headline, level_columns
from canalrisk.report.page import environment, page_title
from canalrisk.subject import Measured

_OF_A_MASS = (MASS, measured_sections.FREE)


def render_qc(result: Measured, said: dict[str, Any] | None = None) -> str:
    """Return the page.

    Parameters
    ----------
    result : Measured
        From `canalrisk.subject.measure_subject`.
    said : dict, optional
        Its `measured_summary`, where that is known already.

    Returns
    -------
    str
        HTML with pictures inline, without scripts or outside references.
    """
    return environment().get_template("qc.html.j2").render(**_context(result, said or measured_summary(result)))


def _context(result: Measured, said: dict[str, Any]) -> dict[str, Any]:
    drawn, legend = label_colours(result)
    shown = measured_sections.shown_sections(result)
    columns = level_columns(said)
    has_mass = bool(said["values"].get("mass_volume"))
    return {
        "said": said,
        "title": page_title(said["inputs"]),
        "serious": [f for f in said["findings"] if f["severity"] == "serious"],
        "headline": headline(said),
        "columns": [label.replace("\n", " ") for _, label, _ in columns],
        "levels": [[row["level"], *(write(row.get(name)) for name, _, write in columns)] for row in said["levels"]],
        "overview": measured_overview.overview(result, shown, drawn),
        "label_legend": [*legend.items(), *([("mass", MASS)] if has_mass else [])],
        "sections": measured_sections.section_pictures(result, shown, drawn),
        "section_legend": [(n, c) for n, c in measured_sections.LEGEND if has_mass or c not in _OF_A_MASS],
        "foramina": measured_foramina.station_pictures(result, drawn),
        "foramen_legend": measured_foramina.LEGEND,
    }
