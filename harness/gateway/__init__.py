"""The other side: judges gateway instances, with a webhook receiver and an HTTP client in a control plane's place.

What is judged is whatever the `[instance]` section of a target file launches; without one, the fakes that come with
the harness, as `python -m fake_instances`. They are attached by the same section as anybody's gateway.
"""
