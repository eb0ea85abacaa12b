//! docs/scaling.md: its commands print the documented output, and docs/scaling.svg is the picture that they draw.

use std::path::Path;

use tokio::process::Command;

use crate::server;

const COMMAND: &str = "cargo run -q -p simulate-scaling -- ";
const SERVER: &str = "localhost:3000";
const PICTURE: &str = "docs/scaling.svg";

/// The blocks that begin with such a command after a prompt: the command and its output.
fn documented(text: &str) -> Vec<(String, String)> {
    let prompt = format!("$ {COMMAND}");
    let block = |block: &str| {
        let rest = block.trim_start().strip_prefix(&prompt)?;
        let mut lines = rest.lines();
        let mut command = String::new();
        for line in lines.by_ref() {
            command.push_str(line.trim_end_matches('\\'));
            if !line.ends_with('\\') {
                break;
            }
        }
        Some((command, lines.collect::<Vec<_>>().join("\n")))
    };
    text.split("```").filter_map(block).collect()
}

#[tokio::test]
async fn the_documented_commands_print_and_draw_what_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = std::fs::read_to_string(root.join("docs/scaling.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let drawn = folder.path().join("scaling.svg");
    let commands = documented(&text);
    assert!(commands.len() >= 2, "docs/scaling.md shows how it is used");
    for (command, printed) in commands {
        // Each on a separate server: whatever one leaves behind must not affect the next.
        let server = server::start().await;
        let address = server.base_url().trim_start_matches("http://").to_owned();
        let line = command
            .replace(SERVER, &address)
            .replace(PICTURE, drawn.to_str().unwrap());
        let line = format!("{} {line}", env!("CARGO_BIN_EXE_simulate-scaling"));
        let output = Command::new("bash")
            .args(["-c", &line])
            .current_dir(folder.path())
            .output()
            .await
            .unwrap();
        let out = String::from_utf8(output.stdout)
            .unwrap()
            .replace(&address, SERVER);
        assert_eq!(
            out.trim_end(),
            printed.trim_end(),
            "{command}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        if command.contains(PICTURE) {
            let picture = std::fs::read_to_string(&drawn)
                .unwrap()
                .replace(&address, SERVER);
            let committed = root.join(PICTURE);
            if std::env::var_os("FLEET_WRITE_PICTURE").is_some() {
                std::fs::write(&committed, &picture).unwrap();
            }
            assert!(
                picture == std::fs::read_to_string(&committed).unwrap(),
                "{PICTURE} is not what the command draws"
            );
        }
        server.stop().await;
    }
    assert!(drawn.exists(), "a documented command draws {PICTURE}");
}
