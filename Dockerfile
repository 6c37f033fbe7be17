# syntax=docker/dockerfile:1
# docker build -t query-portal .

FROM python:3.11-slim-bookworm AS build
WORKDIR /portal
RUN python -m venv /venv
COPY requirements.txt requirements-tracing.txt requirements-parquet.txt ./
# With --build-arg TRACING=true the image can send traces, with PARQUET=true it writes results as Parquet, too.
ARG TRACING=false
ARG PARQUET=false
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt \
    && if [ "$TRACING" = true ]; then /venv/bin/pip install --no-cache-dir -r requirements-tracing.txt; fi \
    && if [ "$PARQUET" = true ]; then /venv/bin/pip install --no-cache-dir -r requirements-parquet.txt; fi \
    && /venv/bin/pip uninstall --yes pip setuptools
COPY . .
# Static files are hashed and compressed once, here; the settings only need to be there, not to be right.
RUN PORTAL_DATABASE_URL=postgresql://build@127.0.0.1/build \
    PORTAL_SECRET_KEY=only-while-the-image-is-built-it-signs-nothing-0000000 \
    PORTAL_RESULT_KEYS=build:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    /venv/bin/python manage.py collectstatic --noinput --verbosity=0 \
    && /venv/bin/python -m compileall -q accounts audit executors pods portal queries web

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin portal
COPY --from=build /venv /venv
COPY --from=build /portal /portal
WORKDIR /portal
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER portal
EXPOSE 8000
# Migrations are a step of the deployment: docker run … python manage.py migrate
HEALTHCHECK --interval=10s --timeout=5s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["gunicorn", "portal.wsgi"]
