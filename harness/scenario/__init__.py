"""One scenario as it is carried out: the worlds that steps act on, and who acts in them."""
