"""The pipeline without a server: `glossator review`, `eval`, `prompt` and `doctor`."""
