//! One connection: reads frames, hands out streams, writes what the streams say. Ends when the other side is gone, or sent nonsense.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_util::bytes::{Bytes, BytesMut};

use super::frame::{self, Decoder, Frame, Reset};
use super::header::Deflater;
use super::{Headers, PIECE, STREAMS};

/// Pieces that wait for the reader of a stream; then the connection waits with it.
const WAITING: usize = 64;
/// A stream that nobody reads for so long is reset, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A stream the other side opened.
pub struct Stream {
    pub id: u32,
    pub headers: Headers,
    pub inlet: Inlet,
    pub outlet: Outlet,
}

/// What comes on a stream.
pub struct Inlet(mpsc::Receiver<Bytes>);

impl Inlet {
    /// None: the other side has ended it, or is gone.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.0.recv().await
    }
}

/// What goes on a stream.
pub struct Outlet {
    id: u32,
    frames: mpsc::Sender<Vec<u8>>,
}

impl Outlet {
    /// Err: the connection is gone.
    pub async fn send(&self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE) {
            self.frame(frame::data(self.id, piece, false)).await?;
        }
        Ok(())
    }

    /// Says that no more comes from this side.
    pub async fn end(&self) {
        // Who is gone needs no end.
        let _ = self.frame(frame::data(self.id, &[], true)).await;
    }

    async fn frame(&self, frame: Vec<u8>) -> io::Result<()> {
        self.frames.send(frame).await.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

pub type Streams = mpsc::Receiver<Stream>;
type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The streams of a connection as they come, and what must be awaited for anything to come. With it dropped, the connection is closed.
pub fn open<S>(connection: S) -> (Streams, Running)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (frames, to_send) = mpsc::channel(WAITING);
    let (opened, streams) = mpsc::channel(WAITING);
    let (source, sink) = tokio::io::split(connection);
    let reader = Reader { open: BTreeMap::new(), newest: 0, frames, opened, deflater: Deflater::default() };
    let running = async {
        // The reader's end closes the queue: the writer sends what is in it and ends too, unless streams still have something to say.
        let read = reader.run(source);
        let write = write(sink, to_send);
        tokio::pin!(read, write);
        tokio::select! {
            () = &mut read => { let _ = tokio::time::timeout(Duration::from_secs(1), write).await; }
            () = &mut write => {}
        }
    };
    (streams, Box::pin(running))
}

async fn write(mut sink: impl AsyncWrite + Unpin, mut frames: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = frames.recv().await {
        if sink.write_all(&frame).await.is_err() || (frames.is_empty() && sink.flush().await.is_err()) {
            return;
        }
    }
    let _ = sink.shutdown().await;
}

struct Reader {
    open: BTreeMap<u32, mpsc::Sender<Bytes>>,
    /// The newest stream of the other side; theirs are odd and count up.
    newest: u32,
    frames: mpsc::Sender<Vec<u8>>,
    opened: mpsc::Sender<Stream>,
    deflater: Deflater,
}

/// The connection is over.
struct Over;

impl Reader {
    async fn run(mut self, mut source: impl AsyncRead + Unpin) {
        let mut decoder = Decoder::default();
        let mut buffer = BytesMut::with_capacity(PIECE);
        loop {
            match decoder.next(&mut buffer) {
                Ok(Some(frame)) => {
                    if self.take(frame).await.is_err() {
                        return;
                    }
                }
                Ok(None) => match source.read_buf(&mut buffer).await {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                },
                Err(broken) => {
                    tracing::debug!(%broken, "a connection of the world ended");
                    let _ = self.say(frame::goaway(self.newest)).await;
                    return;
                }
            }
        }
    }

    async fn say(&self, frame: Vec<u8>) -> Result<(), Over> {
        self.frames.send(frame).await.map_err(|_| Over)
    }

    async fn take(&mut self, frame: Frame) -> Result<(), Over> {
        match frame {
            Frame::Open { id, headers, last } => self.begin(id, headers, last).await,
            Frame::Data { id, bytes, last } => self.data(id, bytes, last).await,
            Frame::Reset { id } => {
                self.open.remove(&id);
                Ok(())
            }
            // Even ones would answer a ping of ours: there is none.
            Frame::Ping { id } if id % 2 == 1 => self.say(frame::pong(id)).await,
            // What is open goes on until the connection is closed.
            Frame::Ping { .. } | Frame::GoAway | Frame::Other => Ok(()),
        }
    }

    async fn begin(&mut self, id: u32, headers: Headers, last: bool) -> Result<(), Over> {
        if id.is_multiple_of(2) || id <= self.newest {
            self.open.remove(&id);
            return self.say(frame::reset(id, Reset::Protocol)).await;
        }
        self.newest = id;
        self.open.retain(|_, waiting| !waiting.is_closed());
        if self.open.len() >= STREAMS {
            return self.say(frame::reset(id, Reset::Refused)).await;
        }
        let (pieces, inlet) = mpsc::channel(WAITING);
        if !last {
            self.open.insert(id, pieces);
        }
        let reply = frame::reply(id, &self.deflater.empty());
        self.say(reply).await?;
        let stream = Stream { id, headers, inlet: Inlet(inlet), outlet: Outlet { id, frames: self.frames.clone() } };
        if self.opened.try_send(stream).is_ok() {
            return Ok(());
        }
        // Nobody takes streams any more, or not so many at once.
        self.open.remove(&id);
        self.say(frame::reset(id, Reset::Refused)).await
    }

    async fn data(&mut self, id: u32, bytes: Bytes, last: bool) -> Result<(), Over> {
        let size = u32::try_from(bytes.len()).unwrap_or(0);
        if id > self.newest || id.is_multiple_of(2) {
            self.say(frame::reset(id, Reset::InvalidStream)).await?;
        }
        if let Some(pieces) = self.open.get(&id)
            && size > 0
        {
            match tokio::time::timeout(PATIENCE, pieces.send(bytes)).await {
                Ok(Ok(())) => self.say(frame::window(id, size)).await?,
                // Its reader has what it wants; the rest is of no use.
                Ok(Err(_)) => {}
                Err(_) => {
                    self.open.remove(&id);
                    self.say(frame::reset(id, Reset::Cancel)).await?;
                }
            }
        }
        if last {
            self.open.remove(&id);
        }
        if size > 0 { self.say(frame::window(0, size)).await } else { Ok(()) }
    }
}
