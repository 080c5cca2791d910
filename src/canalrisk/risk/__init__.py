"""From dose to risk, with intervals; every model names its source and says that it is not calibrated.

`assess_risk` takes the dataset of one case; `risk_models` is the table of what the models are.
"""

from canalrisk.risk.assess import THRESHOLDS, assess_risk
from canalrisk.risk.baserates import (
    cohort_hazards,
    myelopathy_base_rate,
    radiculopathy_base_rate,
    root_base_rate,
    root_shares,
)
from canalrisk.risk.catalogue import MYELOPATHY_MODELS, NOT_CALIBRATED, RiskModel, risk_models
from canalrisk.risk.clinical import CLINICAL_KEYS

__all__ = [
    "CLINICAL_KEYS",
    "MYELOPATHY_MODELS",
    "NOT_CALIBRATED",
    "THRESHOLDS",
    "RiskModel",
    "assess_risk",
    "cohort_hazards",
    "myelopathy_base_rate",
    "radiculopathy_base_rate",
    "risk_models",
    "root_base_rate",
    "root_shares",
]
