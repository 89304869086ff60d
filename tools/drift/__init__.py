"""Reports what was changed outside Terraform and which events changed it: `tap drift`."""
