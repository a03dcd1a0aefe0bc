# Two images: `docker build --target reference .` and `docker build --target fleet .`
# BASE is any image with Python 3.11 or newer and its venv module.
# Only what the programs import is compiled, for a fast start: most of what is installed is never imported.
ARG BASE=python:3.11-slim

FROM ${BASE} AS built
COPY . /source
RUN python3 -m venv /opt/instance-sync \
    && /opt/instance-sync/bin/pip install --no-cache-dir --no-compile -c /source/constraints.txt '/source[databases]' \
    && PYTHONDONTWRITEBYTECODE= /opt/instance-sync/bin/python -c "import reference_impl.__main__, reference_impl.before_fix, \
fake_instances.__main__, fake_instances.hosts.child, fake_instances.hosts.rpc, faker, psycopg, pymysql, \
sqlalchemy.dialects.sqlite, sqlalchemy.dialects.postgresql, sqlalchemy.dialects.mysql; faker.Faker()" \
    && /opt/instance-sync/bin/pip uninstall --yes --quiet setuptools pip

FROM ${BASE} AS runnable
COPY --from=built /opt/instance-sync /opt/instance-sync
ENV PATH=/opt/instance-sync/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin instance-sync
USER 10001
ENV HOST=0.0.0.0

FROM runnable AS reference
ENV PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "import os, urllib.request; host = os.environ['HOST'].replace('0.0.0.0', '127.0.0.1'); urllib.request.urlopen(f\"http://{host}:{os.environ['PORT']}/health\", timeout=2)"]
CMD ["python", "-m", "reference_impl"]

FROM runnable AS fleet
EXPOSE 3001 3002 3003 3004 3100
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:3100/status', timeout=2)"]
ENTRYPOINT ["python", "-m", "fake_instances", "--fleet-address", "0.0.0.0"]
