# The versions of all packages and their hashes come from a lock file. With traces and Sentry:
# docker build --build-arg LOCK=requirements-extras.lock .
FROM python:3.11.14-slim-bookworm AS build
ARG LOCK=requirements.lock
WORKDIR /src
COPY requirements.lock requirements-extras.lock ./
RUN python -m venv /app \
 && /app/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r "$LOCK"
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY workers workers
COPY templates templates
RUN /app/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .
COPY deploy/slim.py ./
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && rm -rf /var/lib/apt/lists/* \
 && /app/bin/python slim.py

FROM python:3.11.14-slim-bookworm
# The base image pins the distribution; of it we want the newest security fixes. Git's commands that
# are written in Perl are not used: its library (48 MB) stays out, perl-base is there.
# hadolint ignore=DL3008
RUN printf 'path-exclude=%s\n' '/usr/share/perl/*' '/usr/lib/*/perl/5*' '/usr/lib/*/libperl.so*' \
  > /etc/dpkg/dpkg.cfg.d/without-perl \
 && apt-get update \
 && apt-get install --yes --no-install-recommends bubblewrap git \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --home-dir /data --create-home --shell /usr/sbin/nologin glossator
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOST=0.0.0.0 \
    DATA_DIR=/data \
    REQUIRE_ISOLATION=true \
    LOG_JSON=true
WORKDIR /data
VOLUME /data
USER 10001
EXPOSE 8000
HEALTHCHECK CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PORT', '8000') + '/healthz', timeout=3)"]
CMD ["glossator", "serve"]
