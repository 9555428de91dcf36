"""Data sets, each a reader of one layout or a maker of scenes."""
