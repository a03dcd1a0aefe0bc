"""The reference: the smallest sync implementation that meets every requirement of the catalogue.

It stands alone. ``python -m reference_impl`` serves it; ``python -m reference_impl.before_fix`` serves the
incident's implementation, which is the same less the fix. Both are configured by the environment only
(contract, section 1).
"""
