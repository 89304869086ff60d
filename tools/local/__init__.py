"""A deployment to an emulated AWS on this machine, with a working data path."""
