"""A sampled field on an affine grid."""
