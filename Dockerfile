# The server's image. docker-compose.yml shows how its processes fit together.
FROM python:3.11-slim AS packages
WORKDIR /app
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml constraints.txt ./
RUN python -m venv /venv \
 && /venv/bin/python -m pip install "pip==26.2" \
 && /venv/bin/python -m pip install -c constraints.txt --group runtime
# Plugins of other vendors are added in an image of your own: FROM this one, `pip install` theirs.
COPY connectors connectors
COPY plugins plugins
RUN /venv/bin/python -m pip install -c constraints.txt ./connectors ./plugins/*

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home ekinerja
COPY --from=packages /venv /venv
WORKDIR /app
COPY LICENSE ./
COPY schema schema
COPY server server
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    EKINERJA_ENVIRONMENT=production \
    EKINERJA_HOST=0.0.0.0
USER 10001
EXPOSE 8000
ENTRYPOINT ["python", "-m", "server"]
CMD ["serve"]
