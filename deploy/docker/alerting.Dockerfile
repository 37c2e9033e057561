# Alerting: stores detections in ClickHouse and answers for alerts. The embedded ClickHouse keeps its data in
# /var/lib/secuxflow; with a server's URL configured nothing is kept here.
# Build context: node deploy/docker/context.mjs alerting
ARG NODE_IMAGE=node:20-bookworm-slim
FROM ${NODE_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="SecuXFlow alerting" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

WORKDIR /opt/secuxflow
COPY deps/ ./
COPY app/ ./
ENV NODE_ENV=production SECUXFLOW_OPS_HOST=0.0.0.0 SECUXFLOW_OPS_PORT=9100 \
    SECUXFLOW_CLICKHOUSE_DATA_DIR=/var/lib/secuxflow/clickhouse
RUN mkdir -p /var/lib/secuxflow && chown 65532:65532 /var/lib/secuxflow
USER 65532:65532
EXPOSE 9100
VOLUME ["/var/lib/secuxflow"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/alerting/dist/main.js"]
