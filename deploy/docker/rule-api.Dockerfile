# The rule API: the policy aggregate behind REST. Keeps nothing on disk; needs no capability. It listens on all addresses of
# its container and therefore wants a token: SECUXFLOW_API_TOKEN_FILE names the file that holds it.
# Build context: node deploy/docker/context.mjs rule-api
ARG NODE_IMAGE=node:20-bookworm-slim
FROM ${NODE_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="SecuXFlow rule API" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

WORKDIR /opt/secuxflow
COPY deps/ ./
COPY app/ ./
ENV NODE_ENV=production SECUXFLOW_OPS_HOST=0.0.0.0 SECUXFLOW_OPS_PORT=9100 \
    SECUXFLOW_API_HOST=0.0.0.0 SECUXFLOW_API_PORT=7400
USER 65532:65532
EXPOSE 9100 7400
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/rule-api/dist/main.js"]
