"""See: read the host into the types of model.py. Changes nothing."""
