# Build:  docker build -t weir:0.1.0 .
# A release pins the base image:  --build-arg BASE=python:3.11-slim@sha256:...
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
ENV VENV=/opt/weir PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv "$VENV" \
 && "$VENV/bin/python" -m pip install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY schemas ./schemas
COPY models ./models
COPY streams ./streams
# What only builds leaves again, so that the image holds what runs and nothing else.
RUN "$VENV/bin/python" -m pip wheel --no-deps --no-index --no-build-isolation --wheel-dir dist . \
 && "$VENV/bin/python" -m pip install --no-deps --no-index dist/weir-*.whl \
 && "$VENV/bin/python" -m pip check \
 && "$VENV/bin/python" -m pip uninstall --yes setuptools pip

FROM ${BASE}
LABEL org.opencontainers.image.title="weir" \
      org.opencontainers.image.description="Streaming event correlation for security operations" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/weir /opt/weir
# The root filesystem may be read-only; only /tmp is written.
ENV PATH=/opt/weir/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/weir
USER 10001:10001
EXPOSE 9108
ENTRYPOINT ["weir"]
CMD ["--help"]
