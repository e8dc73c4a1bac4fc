//! The vendor: a process that gives every request the answer that the sandbox gives to a message, and does no more.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::Arc,
};

use sandbox::Sandbox;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{Outcome, host::Bare};

/// The server, in a process of its own so that its processor time is not ours.
pub(crate) struct Server {
    pub(crate) url: String,
    child: Child,
    input: Option<ChildStdin>,
}

impl Server {
    pub(crate) async fn start() -> Outcome<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("child-server")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let output = child.stdout.take().ok_or("the server has no output")?;
        BufReader::new(output).read_line(&mut url)?;
        let input = child.stdin.take();
        let server = Self { url: url.trim().to_owned(), child, input };
        Bare::new(&server.url)?.call(0).await?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The end of its input is the server's.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The child's part.
pub(crate) fn serve() -> Outcome {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(0);
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let answer = answer().await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut out = std::io::stdout();
        writeln!(out, "http://{}", listener.local_addr()?)?;
        out.flush()?;
        loop {
            let (connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            // A connection that breaks is the caller's to notice.
            tokio::spawn(answer_all(connection, answer.clone()));
        }
    })
}

/// What the sandbox says to a message.
async fn answer() -> Outcome<Arc<[u8]>> {
    let sandbox = Sandbox::start().await?;
    let body = Bare::new(&sandbox.url("twilio"))?.call(0).await?;
    sandbox.shutdown().await;
    let head = format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json;charset=utf-8\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    Ok([head.as_bytes(), &body].concat().into())
}

async fn answer_all(mut connection: TcpStream, answer: Arc<[u8]>) -> std::io::Result<()> {
    let mut held = Vec::with_capacity(8192);
    loop {
        while let Some(end) = request_end(&held) {
            held.drain(..end);
            connection.write_all(&answer).await?;
        }
        if connection.read_buf(&mut held).await? == 0 {
            return Ok(());
        }
    }
}

/// Where the first request ends, once all of it is there.
fn request_end(held: &[u8]) -> Option<usize> {
    let head = held.windows(4).position(|bytes| bytes == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&held[..head]).ok()?;
    let body = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse().ok())
        .unwrap_or(0);
    (held.len() >= head + body).then_some(head + body)
}
