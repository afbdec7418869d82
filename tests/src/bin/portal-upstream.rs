//! A minimal provider that creates portal sessions immediately, for `scripts/bench-auth`.
//!
//! It uses the standard library only, so that an optimised build takes a second.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    let record = std::env::var_os("STRIPE_EXCHANGES")
        .map(|folder| begin(Path::new(&folder)))
        .transpose()?
        .map(Arc::new);
    for connection in listener.incoming() {
        let (connection, record) = (connection?, record.clone());
        // An error means that the service closed the connection.
        std::thread::spawn(move || answer_all(connection, record.as_deref()).ok());
    }
    Ok(())
}

/// Creates a record of requests, in the format of `src/exchanges.rs`.
fn begin(folder: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join(format!("upstream-{}.jsonl", std::process::id())))
}

/// Formats a record line. Forms and client names are printable ASCII, for which Rust's escapes are
/// valid JSON.
fn line(target: &str, agent: &str, body: &str) -> String {
    format!(
        r#"{{"method":"POST","operation":{target:?},"path":{target:?},"query":"","request":{body:?},"user_agent":{agent:?},"version":null,"status":0,"answer":null}}"#
    ) + "\n"
}

fn answer_all(connection: TcpStream, mut record: Option<&File>) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    loop {
        let (mut length, mut target, mut agent) = (0, String::new(), String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            match line.to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.trim().parse().unwrap_or(0),
                Some(("user-agent", value)) => value.trim().clone_into(&mut agent),
                None if target.is_empty() => {
                    line.split(' ').nth(1).unwrap_or_default().clone_into(&mut target)
                }
                _ => {}
            }
            if line.trim_end().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body);
        if let Some(record) = &mut record {
            record.write_all(self::line(&target, &agent, &body).as_bytes())?;
        }
        let customer =
            body.split('&').find_map(|pair| pair.strip_prefix("customer=")).unwrap_or_default();
        let session = format!(
            r#"{{"id":"bps_1Bench","object":"billing_portal.session","configuration":"bpc_1Bench","created":1800000000,"customer":"{customer}","flow":null,"livemode":false,"locale":null,"on_behalf_of":null,"return_url":null,"url":"https://billing.stripe.com/p/session/test_bench"}}"#
        );
        let length = session.len();
        write!(
            writer,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nRequest-Id: req_Bench\r\nContent-Length: {length}\r\n\r\n{session}"
        )?;
    }
}
