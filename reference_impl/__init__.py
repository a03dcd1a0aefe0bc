"""The reference: the smallest sync implementation that meets every requirement of the catalogue.

``python -m reference_impl`` serves it; ``python -m reference_impl.before_fix`` serves the incident's implementation,
which is the same without the fix. The environment configures both (contract, section 1). The lesson is in ``fix``;
``edges`` has what it speaks to; ``hooks`` is for conformance runs only.
"""
