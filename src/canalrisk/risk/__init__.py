"""From dose to risk, with intervals."""
