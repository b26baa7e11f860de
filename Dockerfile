# syntax=docker/dockerfile:1

FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The tools of development (the compiler) are needed here and nowhere later. Their install scripts are not.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/generate-tokenizers.mjs ./scripts/generate-tokenizers.mjs
COPY scripts/tokenizers ./scripts/tokenizers
COPY src ./src
RUN npm run build
# The optional peers, which pruning would drop: better-sqlite3 (with its prebuilt binary) for a folder, ioredis, pg and kysely for Redis and Postgres,
# turndown and sharp (prebuilt as well) for the prompt optimiser, eld for routes by language.
RUN npm prune --omit=dev --ignore-scripts \
  && npm install --no-save --ignore-scripts better-sqlite3@13.2.0 ioredis@6.0.0 pg@8.23.1 kysely@0.29.9 turndown@7.2.5 sharp@0.35.5 eld@2.1.0

FROM node:24-slim
ENV NODE_ENV=production
# A smaller young generation: a seventh less resident memory for the same load.
ENV NODE_OPTIONS=--max-semi-space-size=8
WORKDIR /app
COPY --from=build --chown=root:root /app/package.json ./package.json
COPY --from=build --chown=root:root /app/node_modules ./node_modules
COPY --from=build --chown=root:root /app/dist ./dist
# The only place that is written to: the ledger, the keys and the cache. With Redis and Postgres nothing is.
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
WORKDIR /data
EXPOSE 4141
# 127.0.0.1 is always an allowed Host.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:4141/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["serve", "--config", "/etc/farthing/farthing.yaml"]
