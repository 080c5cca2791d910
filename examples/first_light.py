"""From a label map to risk in a few lines; runs on the phantom that comes with the package."""

import canalrisk

labels = canalrisk.demo_labelmap()  # or canalrisk.read_labels("spine.nii.gz", mass="mass.nii.gz")
result = canalrisk.assess(labels, scenario=canalrisk.Scenario(doubling_time_years=1.0))
print(result.dataset[["occupying_ratio_max", "strain_p95", "risk_myelopathy_prevalent"]].to_dataframe().round(3))
canalrisk.write_results(result, out="first-light")
