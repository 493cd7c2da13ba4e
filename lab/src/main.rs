//! The `preau-lab` command.

use preau_lab::{Gateway, Lab, internet};
use std::path::Path;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    let dir = Path::new("/run/preau-lab");
    match words.as_slice() {
        ["serve", "internet"] => {
            internet::serve(&dir.join("authority"), &dir.join("internet/questions"), || {
                std::fs::write(dir.join("log/internet.ready"), "").unwrap();
            })
            .await
        }
        ["serve", who] => {
            let who = who.to_string();
            internet::serve_site(&dir.join("authority"), || {
                std::fs::write(dir.join(format!("log/{who}.ready")), "").unwrap();
            })
            .await
        }
        _ => {
            let lab = Lab::start_with(Gateway::PlainRouter, &mut |step| println!("{step:?}"))?;
            for line in std::io::stdin().lines() {
                let line = line?;
                let words: Vec<&str> = line.split_whitespace().collect();
                if words.is_empty() {
                    continue;
                }
                let output = lab.run(words[0], &words[1..])?;
                println!("{:?} {:?}\n{}{}", output.status, output.elapsed, output.stdout, output.stderr);
            }
            Ok(())
        }
    }
}
