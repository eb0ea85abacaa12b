//! A person at a terminal: the program on a pseudo-terminal, where Ctrl-C is a key.

use std::{
    env,
    ffi::OsString,
    io::{Read as _, Write as _},
    net::SocketAddr,
    process::Child,
    time::Duration,
};

use pty_process::{
    Size,
    blocking::{Command, Pty, open},
};

use crate::{client, client::Raw};

const CTRL_C: &[u8] = b"\x03";
/// The escape sequence with which the text log dims a line's time.
const DIM: &str = "\x1b[2m";

/// The server that was built with these tests, or the one in `FLEET_SERVER_PROGRAM`, for example of another profile.
fn program() -> OsString {
    env::var_os("FLEET_SERVER_PROGRAM").unwrap_or_else(|| env!("CARGO_BIN_EXE_fleet-server").into())
}

/// A program on a terminal. It is killed when this is dropped.
struct Terminal {
    pty: Pty,
    child: Child,
    shown: String,
}

impl Terminal {
    /// Starts the server and waits for the last line of its start.
    fn start(columns: u16, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, columns)).unwrap();
        let child = Command::new(program())
            .env_clear()
            .env("FLEET_LISTEN", "127.0.0.1:0")
            .env("FLEET_AWS_LISTEN", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .args(arguments)
            .spawn(pts)
            .unwrap();
        let mut terminal = Self {
            pty,
            child,
            shown: String::new(),
        };
        terminal.read_until("Ctrl-C stops the server.");
        terminal
    }

    /// Reads until `text` appears.
    fn read_until(&mut self, text: &str) {
        while !self.shown.contains(text) {
            assert!(self.read(), "it ended without {text:?}: {}", self.shown);
        }
    }

    /// Whether there was anything to read. Linux reports the end of the last program on a terminal as an error.
    fn read(&mut self) -> bool {
        let mut piece = [0; 4096];
        let length = self.pty.read(&mut piece).unwrap_or_default();
        self.shown
            .push_str(&String::from_utf8_lossy(&piece[..length]));
        length > 0
    }

    fn press(&mut self, key: &[u8]) {
        self.pty.write_all(key).unwrap();
    }

    /// All output as lines, and the exit code.
    fn end(mut self) -> (Vec<String>, Option<i32>) {
        while self.read() {}
        let code = self.child.wait().unwrap().code();
        let lines = self.shown.lines().map(str::to_owned).collect();
        (lines, code)
    }

    fn address(&self) -> SocketAddr {
        let (_, after) = self.shown.split_once("answers on http://").unwrap();
        after.lines().next().unwrap().trim().parse().unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // This fails if the program has ended.
        let _ = self.child.kill();
    }
}

/// The output of a server at a terminal, from its start over a request to Ctrl-C, as lines.
async fn life(columns: u16, variables: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().canonicalize().unwrap();
    let data = data.to_str().unwrap();
    let mut terminal = Terminal::start(columns, &["--data-dir", data], variables);
    let answer = client::send(terminal.address(), "GET", "/v1/health", "").await;
    assert_eq!(answer.status, 200);
    terminal.read_until("/v1/health");
    terminal.press(CTRL_C);
    let (lines, code) = terminal.end();
    assert_eq!(code, Some(0), "{lines:#?}");
    assert_eq!(
        lines.last().unwrap(),
        &format!("Stopped. The data is in {data}.")
    );
    lines
}

#[tokio::test]
async fn on_a_terminal_the_log_is_in_colour_and_ctrl_c_ends_it_with_a_last_line() {
    for columns in [80, 40] {
        let lines = life(columns, &[]).await;
        let line = |text: &str| lines.iter().find(|line| line.contains(text)).unwrap();
        assert!(line("/v1/health ").starts_with(DIM), "{lines:#?}");
        assert!(
            line("/v1/health ").contains("\x1b[32m  200\x1b[0m"),
            "{lines:#?}"
        );
        // The terminal shows the key before the line.
        assert!(line("stopping").contains(DIM), "{lines:#?}");
        assert!(line("Try:").starts_with("Try:"), "{lines:#?}");
    }
}

#[tokio::test]
async fn with_no_color_a_terminal_gets_no_escape_sequence() {
    for columns in [80, 40] {
        let lines = life(columns, &[("NO_COLOR", "1")]).await;
        assert!(
            !lines.iter().any(|line| line.contains('\x1b')),
            "{lines:#?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("  200 GET    /v1/health ")),
            "{lines:#?}"
        );
    }
}

#[tokio::test]
async fn a_second_ctrl_c_ends_it_at_once_and_says_so() {
    let mut terminal = Terminal::start(80, &["--in-memory"], &[("NO_COLOR", "1")]);
    let mut raw = Raw::connect(terminal.address()).await;
    raw.write(
        "POST /ec2/i-1 HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 99\r\n\r\n",
    )
    .await;
    raw.read_until("\r\n\r\n").await;
    terminal.press(CTRL_C);
    terminal.read_until("stopping");
    terminal.press(CTRL_C);
    let (lines, code) = tokio::time::timeout(
        Duration::from_secs(20),
        tokio::task::spawn_blocking(|| terminal.end()),
    )
    .await
    .unwrap()
    .unwrap();
    assert_eq!(code, Some(130));
    assert_eq!(
        lines.last().unwrap(),
        "Stopped at once; requests in progress were cut off. The data was in memory and is gone."
    );
}

#[test]
fn the_help_has_every_exit_code() {
    let output = std::process::Command::new(program())
        .env_clear()
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for code in [
        "0 stopped",
        "1 could not start",
        "2 an invalid option",
        "3 stopped with requests cut",
        "130 stopped at once",
    ] {
        assert!(help.contains(code), "{code}\n{help}");
    }
}
