# The command line, talking to the rule API alone: docker run --rm -e SECUXFLOW_API=… secuxflow/cli rule list
# Build context: node deploy/docker/context.mjs cli
ARG NODE_IMAGE=node:20-bookworm-slim
FROM ${NODE_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="SecuXFlow command line" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

WORKDIR /opt/secuxflow
COPY app/ ./
ENV NODE_ENV=production
USER 65532:65532
ENTRYPOINT ["node", "cli/bin/secuxflow-cli.mjs"]
