# fleet-server in a container behind a load balancer: by default, the services that need no store.
#
#   docker build --build-arg FLEET_COMMIT="$(git rev-parse HEAD)" --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" -t fleet-api .
#   docker run --read-only --publish 8080:8080 fleet-api
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
# A profile of Cargo.toml. release is small and fast, and takes minutes to link; dev is for trying the image.
ARG PROFILE=release
# What /v1/metadata reports; the checkout's .git is not in the build.
ARG FLEET_COMMIT=""
ARG SOURCE_DATE_EPOCH=0
WORKDIR /src
COPY . .
# The dependencies are downloaded and compiled once for as long as the builder keeps these folders. The program is copied
# out of them, since they are not part of an image.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    if [ -n "$FLEET_COMMIT" ]; then export FLEET_COMMIT SOURCE_DATE_EPOCH; else unset FLEET_COMMIT SOURCE_DATE_EPOCH; fi \
    && cargo build --locked --profile "$PROFILE" --package fleet-server \
    && cp "target/$([ "$PROFILE" = dev ] && echo debug || echo "$PROFILE")/fleet-server" /fleet-server

FROM ${RUNTIME_IMAGE}
ARG FLEET_COMMIT=""
LABEL org.opencontainers.image.title="Fleet API" \
      org.opencontainers.image.description="fleet-server: the functions of Fleet API over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${FLEET_COMMIT}"
COPY --from=build /fleet-server /usr/local/bin/fleet-server
# A number, so that an orchestrator can see that it is not root.
USER 65532:65532
# Open, since a load balancer is in front, and books and authors require nothing anyway.
ENV FLEET_LISTEN=0.0.0.0:8080 \
    FLEET_BACKEND=aws \
    FLEET_ACCESS=open \
    FLEET_FUNCTIONS=books,authors \
    FLEET_LOG_FORMAT=json
EXPOSE 8080
# There is no shell for a HEALTHCHECK: the balancer requests /api/books/health.
ENTRYPOINT ["/usr/local/bin/fleet-server"]
