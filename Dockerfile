FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --include=dev
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN node node_modules/@typescript/native/bin/tsc -p tsconfig.build.json && npm prune --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
# As much memory for what is young as Node 20 allows. Node 24 allows four times that: a worker's memory swings by 100 MB, and nothing is faster.
ENV NODE_OPTIONS=--max-semi-space-size=16
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json ./
COPY migrations ./migrations
COPY packs ./packs
RUN install -d -o node -g node /var/lib/millrace
USER node
CMD ["node", "dist/workers"]
