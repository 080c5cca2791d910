"""How far the cord-area model's answer hangs on what the evidence does not identify."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.risk.catalogue import NOT_CALIBRATED
from canalrisk.risk.describe import Entry, entry
from canalrisk.risk.doses import Exposure
from canalrisk.risk.forms import hinge_dose, risk_from_dose
from canalrisk.risk.parameters import Parameters, cord_loss_roc

Array = NDArray[np.float64]

PRIORS = (
    "default",
    "odds ratios only",
    "series risk absolute",
    "hinge early",
    "hinge late",
    "simulated loss as measured",
)


def cord_loss_risk(loss: Array, parameters: Parameters, *, prior: str = "default") -> Array:
    """Return the prevalent risk (draws kept, ...) of the cord-area model under one of `PRIORS`.

    Parameters
    ----------
    loss : (draws, ...) array
        Cord-area loss, fraction.
    parameters : Parameters
        Draws.
    prior : str
        ``odds ratios only`` keeps the series' slope, ``series risk absolute`` the slope that reproduces the
        series' own risk at its cut-off; ``hinge early`` and ``hinge late`` keep the draws whose hinge lies in the
        lowest or highest third of its prior.
    """
    draws = parameters.cord_loss
    extremes = {"odds ratios only": draws.series_slope, "series risk absolute": draws.anchored_slope}
    slope = extremes.get(prior, draws.slope)
    third = cord_loss_roc().cut / 3
    kept = {"hinge early": draws.hinge < third, "hinge late": draws.hinge > 2 * third}.get(prior, slice(None))
    shape = (-1,) + (1,) * (loss.ndim - 1)
    base, slope, hinge = (a[kept].reshape(shape) for a in (parameters.myelopathy_base, slope, draws.hinge))
    return risk_from_dose(base, slope, hinge_dose(loss[kept], hinge))


def myelopathy_by_prior(taken: Exposure, *, parameters: Parameters) -> dict[str, Entry]:
    """Return the median prevalent risk of the cord-area model under each prior, (prior, time)."""
    simulated = np.asarray([source == "predicted" for source in taken.loss_source])
    as_measured = np.where(simulated[None, :], taken.loss / parameters.discrepancy[:, None], taken.loss)
    medians = []
    for prior in PRIORS:
        loss = as_measured if prior == "simulated loss as measured" else taken.loss
        medians.append(np.median(cord_loss_risk(loss, parameters, prior=prior), axis=0))
    return {
        "risk_myelopathy_prevalent_by_prior": entry(
            ("prior", "time"),
            np.stack(medians),
            units="1",
            long_name="myelopathy risk under other assumptions",
            definition="median prevalent risk of the cord-area model: default; series odds ratios on the population "
            "base rate; series risk at its cut-off taken as absolute; hinge in the lowest or highest third of its "
            "prior; simulated loss taken as if measured",
            calibration=NOT_CALIBRATED,
        ),
        "prior": entry(
            ("prior",),
            np.asarray(PRIORS),
            units="1",
            long_name="assumption",
            definition="what was assumed instead of the default",
        ),
    }
