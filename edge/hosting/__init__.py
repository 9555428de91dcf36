"""The demo app: served on this machine or in this network, or exported as a site."""
