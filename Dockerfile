# One image for every role; the command chooses: web, worker, outbox, scheduler, migrate, or up (all in one, embedded
# PostgreSQL and Redis in the volume /data).
FROM python:3.11-slim AS build
WORKDIR /srv/pytake
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
COPY requirements.txt ./
# What only tests, types and lint need stays out of the image; ./pytake test installs it in a checkout.
RUN python -m venv .venv \
    && sed '/^# Tests, types, lint/,$d' requirements.txt > /tmp/runtime.txt \
    && .venv/bin/pip install --no-input -r /tmp/runtime.txt
COPY . .
# The front end is part of the image: no role needs bun or a package registry when it runs.
RUN .venv/bin/python -m pytake_app build-frontend \
    && rm -rf .frontend/web .web \
    && .venv/bin/python -m compileall -q pytake_app

FROM python:3.11-slim
LABEL org.opencontainers.image.title="PyTake" \
      org.opencontainers.image.description="Self-hosted, WhatsApp-first conversational automation"
RUN groupadd --system --gid 10001 pytake \
    && useradd --system --uid 10001 --gid pytake --home-dir /data --shell /usr/sbin/nologin pytake \
    && install -d -o pytake -g pytake -m 0711 /data
WORKDIR /srv/pytake
COPY --from=build --chown=root:root /srv/pytake /srv/pytake
ENV PATH=/srv/pytake/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    PORT=8080 \
    ENVIRONMENT=production \
    PYTAKE_DATA_DIR=/data
USER pytake
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=2)"]
ENTRYPOINT ["python", "-m", "pytake_app"]
CMD ["up"]
