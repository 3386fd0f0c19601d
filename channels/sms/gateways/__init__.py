"""Ways from a submission to phones, one module or package each."""
