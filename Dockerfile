# syntax=docker/dockerfile:1
# One binary in a slim image. Build: docker build -t polyphony .
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the layer, the binary must not stay in one of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin polyphony && cp target/release/polyphony /usr/local/bin/polyphony

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home polyphony && install -d -o polyphony -m 700 /data
COPY --from=build /usr/local/bin/polyphony /usr/local/bin/polyphony
USER polyphony
WORKDIR /data
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/data
VOLUME /data
EXPOSE 8000
# A slim image has no curl; bash can ask by itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
# Exec form: SIGTERM reaches the server, which drains and ends.
ENTRYPOINT ["polyphony"]
