"""A case's dataset without a case: the variables that the risk models read, as morphometry and mechanics name them."""

import numpy as np
import xarray as xr

FORAMINA = ["C2/3", "C3/4", "C4/5", "C5/6", "C6/7", "C7/T1"]
YEARS = np.array([0.0, 0.5, 1.0])


def case(
    *,
    occupying=(0.0, 0.0, 0.0),
    canal_ap=15.0,
    predicted=(0.0, 0.0, 0.0),
    touched=None,
    volume=1000.0,
    area=None,
    years=YEARS,
    failed=(),
    measured=None,
):
    n = len(years)
    occupying = np.asarray(occupying, float)
    predicted = np.asarray(predicted, float)
    touched = (predicted > 0) * 1.0 if touched is None else np.asarray(touched, float)
    status = np.zeros(n)
    status[list(failed)] = 1
    predicted = np.where(status == 1, np.nan, predicted)
    healthy = np.full((n, 6, 2), 44.0)
    data = {
        "mass_volume": ("time", np.full(n, volume)),
        "occupying_ratio_max": ("time", occupying),
        "sac_min": ("time", canal_ap * (1 - occupying)),
        "occupying_ratio": (("time", "section"), np.stack([np.zeros(n), occupying], axis=1)),
        "canal_ap_on_ray": (("time", "section"), np.full((n, 2), canal_ap)),
        "sac_width": (("time", "section"), canal_ap * (1 - np.stack([np.zeros(n), occupying], axis=1))),
        "mass_cord_clearance": ("time", np.where(occupying > 0.4, -0.5, 2.0)),
        "contact_force": ("time", np.where(status == 1, np.nan, touched)),
        "mechanics_status": ("time", status),
        "cord_area_loss_predicted_max": ("time", predicted),
        "strain_p95": ("time", predicted),
        "foramen_area": (("time", "foramen", "side"), healthy if area is None else area),
        "foramen_area_prelesion": (("time", "foramen", "side"), healthy),
    }
    if measured is not None:
        loss = np.stack([np.zeros(n), np.full(n, measured)], axis=1)
        data["cord_area_loss_measured"] = (("time", "section"), loss)
        data["cord_area_loss_measured_max"] = ("time", np.full(n, measured))
    return xr.Dataset(data, coords={"time": years, "foramen": FORAMINA, "side": ["left", "right"]})
