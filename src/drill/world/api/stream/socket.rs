//! The WebSocket forms: messages whose first byte is a channel (v4 and v5 for processes, v4 for ports), and a bare carrier of bytes.

use std::time::Duration;

use futures::stream::SplitSink;
use futures::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::forward::{self, Line};
use super::process::{self, Sent};
use super::{Job, Wish};
use crate::drill::world::behaviour::Ran;
use crate::drill::world::program;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// A command that reads stdin waits no longer for its end.
const PATIENCE: Duration = Duration::from_secs(60);
/// The other side has so long to answer a close.
const FAREWELL: Duration = Duration::from_secs(5);
/// An end without a reason is an error to kubectl.
const NORMAL: CloseFrame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::from_static("") };

fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut frame = Vec::with_capacity(bytes.len() + 1);
    frame.push(channel);
    frame.extend_from_slice(bytes);
    Message::binary(frame)
}

pub async fn serve(socket: Socket, job: &Job) {
    match &job.wish {
        Wish::Exec(argv) => exec(socket, job, argv).await,
        Wish::Attach => attach(socket, job).await,
        Wish::Forward(ports) => forward(socket, job, ports).await,
    }
}

/// What is sent until the other side closes stdin.
async fn stdin(socket: &mut Socket) -> Sent {
    let mut sent = Sent::default();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(PATIENCE, socket.next()).await {
        if message.is_close() {
            break;
        }
        let data = message.into_data();
        match data.split_first() {
            Some((0, rest)) => sent.add(rest),
            // v5: a stream was closed.
            Some((255, [0])) => break,
            Some(_) | None => {}
        }
    }
    sent
}

async fn exec(mut socket: Socket, job: &Job, argv: &[String]) {
    let sent = if job.wants.stdin && program::reads(argv) { stdin(&mut socket).await } else { Sent::default() };
    let ran = sent.all().map_or_else(|too_much| too_much, |sent| process::exec(job, argv, &sent));
    for (channel, bytes) in [(1, &ran.stdout), (2, &ran.stderr)] {
        for part in bytes.chunks(32 * 1024) {
            if socket.send(framed(channel, part)).await.is_err() {
                return;
            }
        }
    }
    let (sink, source) = socket.split();
    finish(sink, &ran, source).await;
}

/// Tells the end of a process, closes, and waits until the other side has answered: what else it still sends is of no use.
async fn finish(mut sink: SplitSink<Socket, Message>, ran: &Ran, mut source: futures::stream::SplitStream<Socket>) {
    let _ = sink.send(framed(3, process::outcome(ran).to_string().as_bytes())).await;
    let _ = sink.send(Message::Close(Some(NORMAL))).await;
    while let Ok(Some(Ok(_))) = tokio::time::timeout(FAREWELL, source.next()).await {}
}

async fn attach(socket: Socket, job: &Job) {
    let (mut sink, mut source) = socket.split();
    let mut output = std::pin::pin!(process::output(job));
    loop {
        tokio::select! {
            said = output.next() => match said {
                Some(said) if sink.send(framed(1, &said)).await.is_err() => return,
                Some(_) => {}
                None => break,
            },
            // No program of the world reads what is typed.
            came = source.next() => if !matches!(came, Some(Ok(message)) if !message.is_close()) { return },
        }
    }
    finish(sink, &Ran::default(), source).await;
}

/// Each port has two channels, for data and for errors; the first frame on each names the port.
async fn forward(mut socket: Socket, job: &Job, ports: &[u16]) {
    let Some(port) = ports.first().copied().filter(|_| ports.len() == 1) else {
        let _ = socket.send(framed(1, b"not simulated: more than one port on one connection")).await;
        return;
    };
    for channel in [0, 1] {
        if socket.send(framed(channel, &port.to_le_bytes())).await.is_err() {
            return;
        }
    }
    let Some(line) = forward::connect(job, port) else {
        let _ = socket.send(framed(1, forward::refused(job, port).as_bytes())).await;
        let _ = socket.close(Some(NORMAL)).await;
        return;
    };
    let Line { talk, mut from_pod, mut to_pod } = line;
    let (mut sink, mut source) = socket.split();
    let outward = async {
        let mut buffer = vec![0_u8; 16 * 1024];
        while let Some(read) = forward::read(&mut from_pod, &mut buffer).await {
            if sink.send(framed(0, read)).await.is_err() {
                break;
            }
        }
        let _ = sink.send(Message::Close(Some(NORMAL))).await;
    };
    let inward = async {
        while let Some(Ok(message)) = source.next().await {
            if message.is_close() {
                break;
            }
            if let Some((0, data)) = message.into_data().split_first()
                && to_pod.write_all(data).await.is_err()
            {
                break;
            }
        }
    };
    tokio::select! {
        ((), ()) = async { tokio::join!(talk, outward) } => {}
        () = inward => {}
    }
}

/// Carries bytes both ways, until either side has ended.
pub async fn carry(socket: Socket, bytes: DuplexStream) {
    let (mut sink, mut source) = socket.split();
    let (mut read, mut write) = tokio::io::split(bytes);
    let outward = async {
        let mut buffer = vec![0_u8; 32 * 1024];
        while let Some(read) = forward::read(&mut read, &mut buffer).await {
            if sink.send(Message::binary(read.to_vec())).await.is_err() {
                return;
            }
        }
        let _ = sink.send(Message::Close(Some(NORMAL))).await;
    };
    let inward = async {
        while let Some(Ok(message)) = source.next().await {
            if message.is_close() || write.write_all(&message.into_data()).await.is_err() {
                break;
            }
        }
        // The end of the connection that is carried.
        let _ = write.shutdown().await;
    };
    tokio::join!(outward, inward);
}
