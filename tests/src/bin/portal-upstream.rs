//! The least that the service needs behind it: answers every portal session at once. For `scripts/bench-auth`; knows nothing
//! but the standard library, so that it is built optimised in a second.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    for connection in listener.incoming() {
        let connection = connection?;
        // The service closes what it no longer needs, and then there is nobody to tell.
        std::thread::spawn(move || answer_all(connection).ok());
    }
    Ok(())
}

fn answer_all(connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut writer = connection.try_clone()?;
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim_end().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let body = String::from_utf8_lossy(&body);
        let customer = body.split('&').find_map(|pair| pair.strip_prefix("customer=")).unwrap_or_default();
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
