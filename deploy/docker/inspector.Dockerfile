# The inspector: runs WASM modules over forwarded flows. Keeps nothing on disk; needs no capability.
# Build context: node deploy/docker/context.mjs inspector
ARG NODE_IMAGE=node:20-bookworm-slim
FROM ${NODE_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="SecuXFlow inspector" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

WORKDIR /opt/secuxflow
COPY deps/ ./
COPY app/ ./
ENV NODE_ENV=production SECUXFLOW_OPS_HOST=0.0.0.0 SECUXFLOW_OPS_PORT=9100
USER 65532:65532
EXPOSE 9100
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/inspector/dist/main.js"]
