# The relay in a container, of nothing but Debian's base image and the executable. Make that first: `deno task release`.
# Every step that runs a program does so on the machine that builds: an image for arm64 needs no emulator.

FROM --platform=$BUILDPLATFORM debian:bookworm-slim AS files
ARG TARGETARCH
COPY dist/ /dist/
RUN set -eu; \
  case "$TARGETARCH" in \
    amd64) platform=linux-x64 ;; \
    arm64) platform=linux-arm64 ;; \
    *) echo "There is no executable for \"$TARGETARCH\": build for linux/amd64 or linux/arm64" >&2; exit 1 ;; \
  esac; \
  install -D -m 0755 /dist/relay-*-"$platform" /files/usr/local/bin/relay; \
  install -D -m 0644 /dist/relay-*.licenses.txt /files/usr/share/doc/relay/licenses.txt; \
  install -d -m 0700 /store

FROM debian:bookworm-slim
COPY --from=files /files/ /
# A new volume takes over owner and mode of what the image has in its place.
COPY --from=files --chown=10001:10001 /store /var/lib/relay
VOLUME /var/lib/relay
ENV RELAY_CONFIG=/etc/relay/relay.config.ts STATE_DIRECTORY=/var/lib/relay
WORKDIR /etc/relay
USER 10001:10001
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["relay", "status", "--ready"]
ENTRYPOINT ["relay"]
CMD ["serve"]
