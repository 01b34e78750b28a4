# One image for every shape of Latchkey: embedded by default, on PostgreSQL, Valkey and S3 by its settings.
# It runs as nobody in particular, with a read-only root; everything it writes is in /data.

FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY . .
# Who checked it out with a strict umask has files that the user of the last stage could not read.
RUN chmod -R a+rX . && npm run build
# What is needed to run, and nothing that was needed to build.
RUN npm ci --omit=dev --workspace packages/policy --workspace packages/server --ignore-scripts --no-audit --no-fund

FROM node:22-bookworm-slim
LABEL org.opencontainers.image.title="Latchkey" \
      org.opencontainers.image.description="A self-hosted asset store that browsers can use without holding a secret." \
      org.opencontainers.image.licenses="MIT"
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/package.json package.json
COPY --from=build /app/LICENSE LICENSE
COPY --from=build /app/packages/policy/package.json packages/policy/package.json
COPY --from=build /app/packages/policy/dist packages/policy/dist
COPY --from=build /app/packages/server/package.json packages/server/package.json
COPY --from=build /app/packages/server/dist packages/server/dist
COPY --from=build /app/packages/console/dist packages/console/dist
COPY --from=build /app/examples/widget/dist examples/widget/dist
COPY --from=build /app/examples/plain-fetch examples/plain-fetch
RUN mkdir /data && chown node:node /data
USER node
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=7700 \
    LATCHKEY_DATA_DIR=/data
VOLUME /data
EXPOSE 7700
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/health/ready').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# The SQLite of Node 22 works, and says at every start that its interface may change.
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "packages/server/dist/latchkey.js"]
