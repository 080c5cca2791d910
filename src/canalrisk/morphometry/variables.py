"""Units, names and definitions of every index, in one place."""

from __future__ import annotations

from typing import Any, Final

import xarray as xr

_SECTION = "on a section orthogonal to the canal centreline"

VARIABLES: Final[dict[str, tuple[tuple[str, ...], str, str, str]]] = {
    # name: (dims, units, long name, definition)
    "canal_area": (("section",), "mm2", "canal area", f"area of the bony canal without the mass, {_SECTION}"),
    "canal_ap": (("section",), "mm", "canal AP diameter", "chord of the canal in the mid-sagittal plane of the centreline's frame"),
    "canal_rl": (("section",), "mm", "canal transverse diameter", "longest left-right chord of the canal"),
    "sac_area": (("section",), "mm2", "dural sac area", f"area of the dural sac before the mass, {_SECTION}"),
    "cord_area_prelesion": (("section",), "mm2", "cord area before the mass", f"area of the pre-lesion cord, {_SECTION}"),
    "cord_ap_prelesion": (("section",), "mm", "cord AP diameter before the mass", "chord through the cord's centroid, antero-posterior"),
    "cord_rl_prelesion": (("section",), "mm", "cord transverse diameter before the mass", "longest left-right chord of the cord"),
    "cord_area_measured": (("section",), "mm2", "cord area as segmented", "area of today's segmented cord; not a number where none was"),
    "cord_ap_measured": (("section",), "mm", "cord AP diameter as segmented", "as cord_ap_prelesion, of today's segmented cord"),
    "cord_area_loss_measured": (("section",), "1", "measured cord area loss", "1 - cord_area_measured / cord_area_prelesion"),
    "mass_area_in_canal": (("section",), "mm2", "mass area in the canal", "area common to mass and pre-lesion canal"),
    "residual_canal_area": (("section",), "mm2", "residual canal area", "canal_area - mass_area_in_canal"),
    "residual_canal_ap": (("section",), "mm", "residual mid-sagittal AP", "longest mass-free run of the mid-sagittal chord of the canal"),
    "occupying_ratio": (
        ("section",),
        "1",
        "occupying ratio",
        "thickness of the mass in the canal / pre-lesion canal AP along the same ray, largest over rays through the centreline within 30 degrees of the sagittal plane",
    ),
    "occupying_ratio_area": (("section",), "1", "occupying ratio by area", "mass_area_in_canal / canal_area"),
    "occupying_ray": (("section",), "degree", "ray of the occupying ratio", "angle of that ray from anterior towards the patient's right; 0 where no mass"),
    "canal_ap_on_ray": (("section",), "mm", "pre-lesion canal AP on the ray", "chord of the canal along the ray of the occupying ratio"),
    "sac_width": (("section",), "mm", "space available for the cord (SAC)", "longest mass-free run of the canal's chord along the ray of the occupying ratio"),
    "mcc": ((), "1", "maximum canal compromise (MCC)", "1 - d / mean(d_above, d_below): mid-sagittal residual canal AP at the worst section and at the nearest sections that the mass does not reach; 0 where it reaches none"),
    "mscc": ((), "1", "maximum spinal cord compression (MSCC)", "as mcc, with the AP diameter of the segmented cord; not a number without one"),
    "s_above": ((), "mm", "reference section above", "arc length of the section taken as healthy above the worst; not a number where there is none"),
    "s_below": ((), "mm", "reference section below", "arc length of the section taken as healthy below the worst; not a number where there is none"),
    "occupying_ratio_max": ((), "1", "largest occupying ratio", "largest occupying_ratio over sections"),
    "occupying_ratio_area_max": ((), "1", "largest occupying ratio by area", "largest occupying_ratio_area over sections"),
    "sac_min": ((), "mm", "smallest space available for the cord", "smallest sac_width over the sections that the mass reaches, over all where it reaches none"),
    "sac_wall": ((), "", "wall opposite the mass", "what bounds the smallest space available for the cord: bone, soft tissue or dura"),
    "worst_level": ((), "", "worst level", "level nearest to the section of largest occupying ratio; 'none' where the mass reaches no section"),
    "worst_s": ((), "mm", "worst section", "arc length of the section of largest occupying ratio"),
    "mass_volume": ((), "mm3", "mass volume", "volume of the mass, bone that it replaced included"),
    "mass_volume_in_canal": ((), "mm3", "mass volume in the canal", "volume common to mass and pre-lesion canal"),
    "mass_cord_clearance": ((), "mm", "clearance between mass and cord", "shortest distance between mass and pre-lesion cord; negative is the depth of their overlap; not a number without a mass"),
    "cord_area_loss_measured_max": ((), "1", "largest measured cord area loss", "largest cord_area_loss_measured over sections"),
    "foramen_area": (
        ("foramen", "side"),
        "mm2",
        "free foraminal area",
        "least free area, mean over 1 mm of path, over the closed stations along the root's path, walls bone and labelled discs, less the mass",
    ),
    "foramen_area_prelesion": (("foramen", "side"), "mm2", "foraminal area before the mass", "as foramen_area without the mass"),
    "foramen_area_loss": (("foramen", "side"), "1", "foraminal area loss", "1 - foramen_area / foramen_area_prelesion"),
    "foramen_station_s": (("foramen", "side"), "mm", "narrowest station", "distance along the root's path from the dural sac of the station of foramen_area"),
    "foramen_height": (("foramen", "side"), "mm", "foraminal height", "longest extent along the line between the pedicle centres at the narrowest station before the mass"),
    "foramen_width": (("foramen", "side"), "mm", "foraminal width", "least extent across that line in its middle third, at the same station"),
}  # fmt: skip


def as_dataset(values: dict[str, Any], *, coords: dict[str, Any]) -> xr.Dataset:
    """Put values into a Dataset with units, long name and definition.

    Parameters
    ----------
    values : dict
        Name (a key of `VARIABLES`) to array or scalar.
    coords : dict
        Coordinates as xarray takes them.

    Returns
    -------
    xarray.Dataset
    """
    data = {}
    for name, value in values.items():
        dims, units, long_name, definition = VARIABLES[name]
        data[name] = (dims, value, {"units": units, "long_name": long_name, "definition": definition})
    return xr.Dataset(data, coords=coords)
