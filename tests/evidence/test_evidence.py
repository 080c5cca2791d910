import math

import pytest

from canalrisk import evidence
from canalrisk.errors import UsageError

STATUSES = {"VERIFIED", "VERIFIED_SECONDARY", "DERIVED", "RECALLED", "NOT_FOUND", "ASSUMED"}


@pytest.mark.parametrize("table", evidence.TABLES)
def test_every_row_has_a_status_and_a_unique_key(table):
    names = evidence.keys(table)
    assert len(names) == len(set(names)) > 20
    for row in evidence.rows(table):
        assert row.status in STATUSES, row.key
        assert row.source or row.status in ("NOT_FOUND", "RECALLED"), row.key
        if not math.isnan(row.value) and row.interval and row.status != "NOT_FOUND":
            assert row.low <= row.value <= row.high, row.key


def test_values_are_those_of_the_papers():
    auc = evidence.value("risk", "myelo.severe_opll.pct_decrease_cord_area.AUC")
    assert (auc.value, auc.low, auc.high, auc.n, auc.status) == (0.904, 0.863, 0.941, 300, "VERIFIED")
    # Acta Neurol Scand 1996;93:184: 27 of 7653, printed as 3.5 per 1000.
    base = evidence.value("risk", "radic.base.prevalence")
    assert base.value == pytest.approx(27 / 7653, abs=5e-5)
    cord = evidence.value("mechanics", "CSA/spinal cord/mid-C5")
    assert (cord.value, cord.sd, cord.n) == (77.05, 7.81, 203)


def test_unknown_key_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no evidence") as caught:
        evidence.value("risk", "myelo.severe_opll.SAC.auc")
    assert "myelo.severe_opll.SAC.AUC" in caught.value.fix
    with pytest.raises(UsageError):
        evidence.value("riks", "anything")
    with pytest.raises(UsageError):
        evidence.material_set("D")
    with pytest.raises(UsageError) as caught:
        evidence.material_set("A")["white mater"]
    assert "white matter" in caught.value.fix


def test_material_sets_by_structure_with_honest_status():
    a = evidence.material_set("A")
    assert a["white matter"].mpa("mu") == pytest.approx(0.004)
    assert a["pia mater"].mpa("E") == 39.3
    # The modulus was read; the thickness was not, and says so on its own.
    assert a["pia mater"].parameter("E").status == "VERIFIED"
    assert a["pia mater"].thickness.status == "RECALLED"
    assert a["pia mater"].thickness.value == 0.1
    assert a["white matter"].findings() == ()
    assert len(a["pia mater"].findings()) == 1
    assert {"white matter", "gray matter", "pia mater"} <= set(evidence.material_set("B"))
    assert evidence.material_set("B")["gray matter"].status == "RECALLED"
    assert all("calcified mass" in evidence.material_set(name) for name in evidence.material_sets())


def test_recalled_and_assumed_numbers_raise_findings_and_verified_ones_do_not():
    recalled = evidence.value("risk", "myelo.opll.fraction_myelopathic.occupying_lt60")
    assumed = evidence.value("risk", "prior.myelo.series_prevalence")
    verified = evidence.value("risk", "myelo.base.dcm_prevalence_healthy")
    assert evidence.recalled_finding(recalled).code == "EVIDENCE-RECALLED"
    assert evidence.recalled_finding(assumed).severity == "info"
    assert evidence.recalled_finding(verified) is None
    assert len(evidence.recalled_findings([recalled, recalled, verified])) == 1


def test_rows_filter():
    cords = evidence.rows("mechanics", quantity="CSA", structure="spinal cord", status="VERIFIED")
    assert len(cords) >= 7
    assert all(row.units == "mm^2" for row in cords)
    assert evidence.rows("risk", prefix="no such") == ()
