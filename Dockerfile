# syntax=docker/dockerfile:1
FROM python:3.13-slim AS build
WORKDIR /service
# With tracing: --build-arg LOCK=requirements-otel.lock
ARG LOCK=requirements.lock
COPY $LOCK .
# The packages come from the lock file, hashes checked, into an environment that the last stage takes over whole.
RUN python -m venv /venv \
 && /venv/bin/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r $LOCK \
 && /venv/bin/python -m pip uninstall --quiet --yes pip \
 && /venv/bin/python -m compileall -q /venv/lib

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home service \
 && install -d -o service -g service /data
COPY --from=build /venv /venv
WORKDIR /service
COPY migrations migrations
COPY src src
RUN /venv/bin/python -m compileall -q src
ENV PATH=/venv/bin:$PATH PYTHONPATH=/service/src PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    APP_ENV=prod APP_DATA_DIR=/data APP_HTTP__HOST=0.0.0.0
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=2s --start-period=10s \
  CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ.get(\"APP_HTTP__PORT\", 8000)}/health/ready', timeout=1)"]
ENTRYPOINT ["python", "-m", "app.entrypoints"]
CMD ["serve"]
