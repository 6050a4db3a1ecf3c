# The service in an image: one stage trains and compiles, others prepare the packages and the code, and the last one
# gets what it serves with and nothing else. Two builds of one commit on one base have the same files (docs/image.md).
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS tools
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*

FROM tools AS build
WORKDIR /build
COPY requirements/build.txt requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt
# From here on a layer is made again only when what it reads has changed.
COPY contract contract
COPY evaluation evaluation
COPY cards cards
COPY train train
RUN /opt/build/bin/python -m train
COPY binding binding
COPY bundle bundle
COPY compile compile
# What the compiler would measure differs from machine to machine, and so would the bundle: the release decides. Walk
# and 64 are what it has measured for this model on a machine of ours. SOURCE_DATE_EPOCH: the time of the commit.
ARG ONE_ROW=walk
ARG BLOCK_FROM=64
ARG SOURCE_DATE_EPOCH
RUN /opt/build/bin/python -m compile artifacts/penguin_model.json --one-row "$ONE_ROW" --block-from "$BLOCK_FROM" \
    && cp -RL artifacts/bundle /baked \
    && chmod -R u=rwX,go=rX /baked

# Only where it is asked for (--target judged): the compiler's tests with this Python, and so with its XGBoost.
FROM build AS judged
COPY requirements/dev.txt requirements/
RUN /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/dev.txt
COPY pyproject.toml Makefile ./
COPY score score
COPY app app
COPY tests tests
RUN /opt/build/bin/python -m pytest -p no:cacheprovider -n 2 -q -m "not image" tests/compile --ignore tests/compile/reading/foreign

# STORAGE=none leaves out the client of gs://: for a service whose bundles are in a directory or in the image.
FROM tools AS packages
ARG STORAGE=gs
COPY requirements/serve.txt requirements/runtime.txt /build/requirements/
RUN case "$STORAGE" in gs) lock=runtime ;; none) lock=serve ;; \
      *) echo "error: STORAGE=$STORAGE: expected gs or none" >&2; exit 2 ;; esac \
    && python -m venv /opt/packages \
    && /opt/packages/bin/pip install --no-cache-dir --no-deps --require-hashes --no-compile \
       --target /service/packages -r "/build/requirements/$lock.txt"
# What no service reads: programs, the packages' own tests, Cython's sources, symbols for a debugger.
WORKDIR /service/packages
RUN rm -rf bin \
    && find . -type d -name tests -prune -exec rm -rf {} + \
    && find . -type f '(' -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.pyi' ')' -delete \
    && find . -type f -name '*.so' -exec strip --strip-debug {} + \
    && chmod -R u=rwX,go=rX . \
    && PYTHONHASHSEED=0 python -m compileall -q --invalidation-mode unchecked-hash .

# Scoring files (--target score): docs/many-rows.md. The service's image, which comes last, has nothing of it.
FROM ${BASE} AS score-packages
COPY requirements/score.txt /build/requirements/
RUN python -m venv /opt/packages \
    && /opt/packages/bin/pip install --no-cache-dir --no-deps --require-hashes --no-compile \
       --target /packages -r /build/requirements/score.txt \
    && rm -rf /packages/bin /packages/pyarrow/include /packages/pyarrow/tests /packages/pyarrow/libarrow_flight* \
    && python -m compileall -q --invalidation-mode unchecked-hash /packages

FROM ${BASE} AS score
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip*
WORKDIR /service
COPY --from=score-packages /packages packages
COPY --from=build /baked baked
COPY contract contract
COPY bundle bundle
COPY binding binding
COPY score score
RUN python -m compileall -q --invalidation-mode unchecked-hash contract bundle binding score
ENV PYTHONPATH=/service/packages \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BUNDLE=/service/baked \
    BAKED_BUNDLE=/service/baked
USER 65532:65532
ENTRYPOINT ["python", "-m", "score"]

FROM ${BASE} AS code
WORKDIR /service
COPY contract contract
COPY bundle bundle
COPY binding binding
COPY score score
COPY app app
# A checkout's modes are those of its owner's umask.
RUN chmod -R u=rwX,go=rX . && PYTHONHASHSEED=0 python -m compileall -q --invalidation-mode unchecked-hash .

FROM ${BASE}
WORKDIR /service
# A running service installs nothing: pip and the copy of it that ensurepip keeps, apt and dpkg. The list of Debian's
# packages stays, because scanners read it.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip* \
      /usr/local/lib/python3*/ensurepip /usr/lib/python3*/ensurepip /usr/local/lib/python3*/venv /usr/lib/python3*/venv \
      /usr/share/python-wheels /usr/bin/apt /usr/bin/apt-* /usr/lib/apt /usr/bin/dpkg /usr/bin/dpkg-* /usr/sbin/dpkg-*
COPY --from=packages /service/packages packages
COPY --from=build /baked baked
COPY --from=code /service .
ENV PYTHONPATH=/service/packages \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BUNDLE=/service/baked \
    BAKED_BUNDLE=/service/baked
USER 65532:65532
EXPOSE 8080
CMD ["python", "-m", "app"]
# What `docker inspect` says about it. Last, because a label of the commit would make every layer after it again.
ARG BASE
ARG BASE_DIGEST
ARG REVISION
ARG CREATED
ARG SOURCE
LABEL org.opencontainers.image.title="penguins" \
      org.opencontainers.image.description="Serves a compiled XGBoost model: the Palmer penguins' by default" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="$SOURCE" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$CREATED" \
      org.opencontainers.image.base.name="$BASE" \
      org.opencontainers.image.base.digest="$BASE_DIGEST"
