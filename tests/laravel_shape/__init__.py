"""A control plane in another shape than the reference's, attached by keys of its target file alone.

Messages go by session and tenant, rows have a `uuid` as their key and columns of their own, four variables name four
instances, timeouts are fixed, log lines are JSON in a file for each day, and a worker beside the server processes
webhooks that wait in the database, and makes the health check. What it decides by is the reference's own logic.
"""
