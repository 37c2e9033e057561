# The agent: folds the policy into BPF maps and publishes sampled packets. Runs as root because Docker gives added
# capabilities to no other user; run it with --cap-drop ALL --cap-add NET_ADMIN --cap-add BPF --cap-add PERFMON (engines
# before 23.0: --cap-add NET_ADMIN --cap-add SYS_ADMIN), a bpffs at /sys/fs/bpf, and the network it protects.
# Build context: node deploy/docker/context.mjs xdp-agent
ARG NODE_IMAGE=node:20-bookworm-slim
FROM ${NODE_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="SecuXFlow agent" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"

WORKDIR /opt/secuxflow
COPY deps/ ./
COPY app/ ./
# libbpf, libelf, zlib and what ip and ethtool need: a slim image has none of them.
COPY lib/ ./lib/
COPY bin/ ./bin/
ENV NODE_ENV=production SECUXFLOW_OPS_HOST=0.0.0.0 SECUXFLOW_OPS_PORT=9100 \
    SECUXFLOW_STATE_DIR=/var/lib/secuxflow LD_LIBRARY_PATH=/opt/secuxflow/lib \
    PATH=/opt/secuxflow/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# The last known good policy.
RUN mkdir -p /var/lib/secuxflow
USER 0:0
EXPOSE 9100
VOLUME ["/var/lib/secuxflow"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["node", "healthcheck.mjs"]
ENTRYPOINT ["node", "services/xdp-agent/dist/main.js"]
