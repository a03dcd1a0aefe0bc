"""An exploration in units, which are told anywhere and in any order, and whose results are merged."""
