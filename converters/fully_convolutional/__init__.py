"""A classifier made to slide over larger pictures."""
