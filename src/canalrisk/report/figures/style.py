"""How pictures look and how they become part of the page: inline SVG that follows the page's theme, or PNG.

Matplotlib is used through `Figure` objects and the Agg and SVG canvases only; no global state is touched.
Theme colours are written as sentinels and exchanged for CSS variables, so one picture serves light and dark pages.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

INK, MUTED, LINE, CARD = "#111213", "#717273", "#d1d2d3", "#fdfcfb"
_THEME = {INK: "var(--ink)", MUTED: "var(--muted)", LINE: "var(--line)", CARD: "var(--card)"}

# Okabe-Ito based, all at least 3:1 on white and on the dark page.
MASS = "#d55e00"
TODAY, HORIZON = "#2f7fc1", "#d1495b"
CORD = "#c99700"
SERIES = ("#2f7fc1", "#c77d0a", "#1f9e77", "#b04a98", "#7a7a7a")
MARKERS = ("o", "s", "D", "^", "v")

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_RC = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 10.5,
    "axes.titlesize": 11.5,
    "axes.labelsize": 10.5,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "legend.fontsize": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Picture:
    """Markup of one picture, what it shows for those who cannot see it, and its natural width in CSS pixels."""

    markup: Markup
    alt: str
    caption: str = ""
    width: int = 460


@contextmanager
def themed() -> Iterator[None]:
    """Matplotlib settings of the report, inside only."""
    with mpl.rc_context(_RC):
        yield


def axes(width: float, height: float) -> tuple[Figure, Axes]:
    """Make a figure with one pair of axes; size in CSS pixels. Call inside `themed`."""
    figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
    return figure, figure.add_subplot()


def framed_axes(width: float, height: float, *, title: float = 24) -> tuple[Figure, Axes]:
    """Make a picture of `width` by `height` CSS pixels without ticks and a line above for its title.

    Laid out by hand: letting matplotlib find the margins costs as much as drawing.
    """
    figure = Figure(figsize=(width / 72, (height + title) / 72))
    axes_ = figure.add_axes((0.0, 0.0, 1.0, height / (height + title)), xticks=[], yticks=[])
    axes_.set_axis_off()
    return figure, axes_


def time_colour(index: int, count: int) -> str:
    """Colour of one time on the way from today (blue) to the horizon (red)."""
    stops = np.array([[0x2F, 0x7F, 0xC1], [0x8A, 0x6F, 0xB8], [0xD1, 0x49, 0x5B]], float)
    where = 0.0 if count < 2 else 2 * index / (count - 1)
    rgb = [np.interp(where, (0, 1, 2), stops[:, c]) for c in range(3)]
    return "#" + "".join(f"{round(c):02x}" for c in rgb)


def svg(figure: Figure, *, alt: str, key: str, caption: str = "") -> Picture:
    """Inline SVG of a figure.

    Parameters
    ----------
    figure : Figure
        Drawn inside `themed`.
    alt : str
        What it shows.
    key : str
        Unique in the page: keeps the identifiers of two pictures apart and the bytes reproducible.
    caption : str
        Text under the picture.
    """
    stream = io.StringIO()
    with mpl.rc_context(_RC | {"svg.hashsalt": key}):
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.S)
    text = re.sub(r"<title>.*?</title>\s*", "", text, flags=re.S)
    # Identifiers that nothing points to would repeat from picture to picture.
    used = set(re.findall(r"#([\w.:-]+)", text))
    text = re.sub(r'\sid="([^"]*)"', lambda found: found.group(0) if found.group(1) in used else "", text)
    for sentinel, variable in _THEME.items():
        text = text.replace(sentinel, variable)
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", _FONT, text)
    width = round(float(figure.get_figwidth()) * 72)
    label = f'<svg role="img" aria-label="{escape(alt)}" style="max-width:{round(1.2 * width)}px"'
    head, _, body = text.partition(">")
    head = re.sub(r'\s(width|height|version|xmlns(:\w+)?)="[^"]*"', "", head).replace("<svg", label, 1)
    body = body.replace("xlink:href", "href")
    return Picture(Markup(f"{head}>{body}"), alt, caption, width)


def png(rgba: NDArray[np.uint8], *, alt: str, caption: str = "", scale: float = 2.0) -> Picture:
    """Embed an RGBA array; shown at 1/`scale` of its pixels."""
    stream = io.BytesIO()
    imsave(stream, rgba, format="png", pil_kwargs={"optimize": True})
    data = base64.b64encode(stream.getvalue()).decode()
    width, height = round(rgba.shape[1] / scale), round(rgba.shape[0] / scale)
    tag = f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" width="{width}" height="{height}">'
    return Picture(Markup(tag), alt, caption, width)


def rasterised(figure: Figure, *, alt: str, caption: str = "", scale: float = 2.0) -> Picture:
    """Embed a figure as PNG; for drawings with thousands of faces."""
    figure.set_dpi(72 * scale)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return png(np.asarray(canvas.buffer_rgba()), alt=alt, caption=caption, scale=scale)
