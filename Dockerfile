# Built with the current LTS of Node; the code runs on 20.19 and newer.
ARG BASE=docker.io/library/node:24-trixie-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
COPY scripts ./scripts
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
COPY rules ./rules
COPY public ./public
RUN node scripts/build.js \
 && node scripts/assets.js \
 && npm prune --omit=dev --no-audit --no-fund --ignore-scripts

FROM ${BASE}
RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg tini \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /config /data \
 && chown node:node /config
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/public/built ./public/built
COPY package.json LICENSE ./
COPY views ./views
COPY presets ./presets
COPY scripts/health.js ./scripts/health.js
ENV NODE_ENV=production \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072 \
    MEDIAFLOW_DATA_DIR=/config \
    NVIDIA_DRIVER_CAPABILITIES=compute,video,utility
LABEL org.opencontainers.image.title="MediaFlow" \
      org.opencontainers.image.description="A sidecar for Plex: smaller files, verified, the original kept" \
      org.opencontainers.image.licenses="MIT"
EXPOSE 9876
VOLUME /config
USER node
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 CMD ["node", "/app/scripts/health.js"]
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["node", "--max-semi-space-size=8", "--v8-pool-size=1", "dist/src/main.js"]
