#!/usr/bin/env bash
# mysql_async runs the statements of `OptsBuilder::setup` last to first. Two that depend on each other, such as SET NAMES, which sets
# the collation too, and a SET of that collation, end as if they had been written the other way round. mysql-mimic is the server:
# it logs what arrives.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mysql-mimic==3.0.5 sqlglot==30.30.0
cat >"$work/server.py" <<'PY'
import asyncio

from mysql_mimic import MysqlServer, Session


class Logged(Session):
    async def handle_query(self, sql, attrs):
        if "@@" not in sql:
            print(sql, flush=True)
        return await super().handle_query(sql, attrs)


async def serve():
    server = MysqlServer(session_factory=Logged)
    await server.start_server(host="127.0.0.1", port=0)
    print(server._server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
PY
"$work/venv/bin/python" "$work/server.py" >"$work/seen" 2>"$work/log" &
server=$!
until [[ -s $work/seen ]]; do sleep 0.1; done
mkdir -p "$work/probe/src" && cd "$work/probe"
cat >Cargo.toml <<'TOML'
[package]
name = "probe"
version = "0.1.0"
edition = "2021"
[dependencies]
mysql_async = { version = "=0.37.1", default-features = false, features = ["minimal-rust"] }
tokio = { version = "1", features = ["macros", "rt"] }
TOML
cat >src/main.rs <<'RUST'
use mysql_async::{prelude::Queryable, Conn, OptsBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let port = std::env::args().nth(1).unwrap().parse().unwrap();
    let options = OptsBuilder::default().ip_or_hostname("127.0.0.1").tcp_port(port).user(Some("root"));
    let mut connection = Conn::new(options.setup(vec!["SELECT 1", "SELECT 2"])).await.unwrap();
    connection.query_drop("SELECT 3").await.unwrap();
}
RUST
CARGO_TARGET_DIR=$work/target cargo run --quiet -- "$(head -1 "$work/seen")" || { tail -5 "$work/log"; exit 1; }
seen=$(tail -n +2 "$work/seen" | tr '\n' ' ')
echo "mysql_async 0.37.1, with the setup SELECT 1, SELECT 2, and then SELECT 3: $seen"
[[ $seen == "SELECT 2 SELECT 1 SELECT 3 " ]]
