# The service in an image: a build stage trains and compiles, the runtime stage gets what it serves with, nothing else.
ARG BASE=python:3.13-slim-trixie

FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY requirements/build.txt requirements/
RUN python -m venv /opt/build \
    && /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt
# From here on a layer is made again only when what it reads has changed.
COPY contract contract
COPY evaluation evaluation
COPY train train
RUN /opt/build/bin/python -m train
COPY binding binding
COPY bundle bundle
COPY compile compile
RUN /opt/build/bin/python -m compile artifacts/penguin_model.json \
    && cp -RL artifacts/bundle /baked

# Only where it is asked for (--target judged): the compiler's tests with this Python, and so with its XGBoost.
FROM build AS judged
COPY requirements/dev.txt requirements/
RUN /opt/build/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/dev.txt
COPY pyproject.toml Makefile ./
COPY score score
COPY app app
COPY tests tests
RUN /opt/build/bin/python -m pytest -p no:cacheprovider -n 2 -q -m "not image" tests/compile --ignore tests/compile/reading/foreign

FROM ${BASE} AS packages
COPY requirements/runtime.txt /build/requirements/
RUN python -m venv /opt/packages \
    && /opt/packages/bin/pip install --no-cache-dir --no-deps --require-hashes --no-compile \
       --target /packages -r /build/requirements/runtime.txt \
    && rm -rf /packages/bin \
    && python -m compileall -q --invalidation-mode unchecked-hash /packages

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

FROM ${BASE}
# The base's own installer has no place in a running service.
RUN rm -rf /usr/local/lib/python3*/site-packages/pip* /usr/local/bin/pip*
WORKDIR /service
COPY --from=packages /packages packages
COPY --from=build /baked baked
COPY contract contract
COPY bundle bundle
COPY binding binding
COPY score score
COPY app app
RUN python -m compileall -q --invalidation-mode unchecked-hash contract bundle binding score app
ENV PYTHONPATH=/service/packages \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BUNDLE=/service/baked \
    BAKED_BUNDLE=/service/baked
USER 65532:65532
EXPOSE 8080
CMD ["python", "-m", "app"]
