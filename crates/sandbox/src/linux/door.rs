//! The way into a sandbox's network, which has no device but its own loopback.
//!
//! A socket belongs to the network namespace in which it was made, wherever it is used later. So all that has
//! to happen inside is the making of a socket: by a thread that steps in for a moment, or, where this process
//! lacks the right to do that, by a process that stayed inside and hands sockets out.

use std::{
    io::{self, IoSlice, IoSliceMut, Read},
    mem::MaybeUninit,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    sync::{Arc, Mutex, OnceLock, PoisonError, mpsc},
};

use rustix::{
    fs::{CWD, Mode, OFlags},
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
    },
    process::Pid,
    thread::LinkNameSpaceType,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    sync::oneshot,
};

/// The way into a sandbox's network. Clones lead to the same one.
#[derive(Clone, Debug)]
pub struct Door(Arc<Way>);

#[derive(Debug)]
enum Way {
    Namespace(OwnedFd),
    Keeper(Mutex<UnixStream>),
}

impl Door {
    /// The network of a process, which has to live.
    pub(crate) fn of_process(process: Pid) -> io::Result<Self> {
        let path = format!("/proc/{}/ns/net", process.as_raw_nonzero());
        let namespace = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self(Arc::new(Way::Namespace(namespace))))
    }

    /// The network of whoever keeps the door at the other end.
    pub(crate) fn kept(keeper: UnixStream) -> Self {
        Self(Arc::new(Way::Keeper(Mutex::new(keeper))))
    }

    /// Opens a connection to a port of the sandbox.
    pub async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let socket = self.socket().await?;
        let stream = socket.connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Listens on a port of the sandbox. It blocks for a moment.
    pub(crate) fn listen(&self, port: u16) -> io::Result<TcpListener> {
        let socket = self.ask()?.blocking_recv().map_err(io::Error::other)??;
        rustix::net::bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        rustix::net::listen(&socket, 128)?;
        Ok(socket.into())
    }

    async fn socket(&self) -> io::Result<TcpSocket> {
        let socket = self.ask()?.await.map_err(io::Error::other)??;
        Ok(TcpSocket::from_std_stream(std::net::TcpStream::from(socket)))
    }

    fn ask(&self) -> io::Result<oneshot::Receiver<io::Result<OwnedFd>>> {
        let (reply, socket) = oneshot::channel();
        porter()?.send((self.clone(), reply)).map_err(io::Error::other)?;
        Ok(socket)
    }

    fn make(&self, home: &OwnedFd) -> io::Result<OwnedFd> {
        match &*self.0 {
            Way::Keeper(keeper) => {
                let keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
                io::Write::write_all(&mut &*keeper, &[0])?;
                receive_descriptor(&keeper)
            }
            Way::Namespace(namespace) => {
                enter(namespace)?;
                let made = tcp_socket();
                // So that this thread does not keep the network alive when its sandbox ends.
                enter(home)?;
                made
            }
        }
    }
}

type Errand = (Door, oneshot::Sender<io::Result<OwnedFd>>);

/// The one thread that steps into other networks.
fn porter() -> io::Result<&'static mpsc::Sender<Errand>> {
    static PORTER: OnceLock<mpsc::Sender<Errand>> = OnceLock::new();
    if let Some(porter) = PORTER.get() {
        return Ok(porter);
    }
    let home =
        rustix::fs::openat(CWD, "/proc/thread-self/ns/net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let (sender, errands) = mpsc::channel::<Errand>();
    std::thread::Builder::new().name("sandbox-door".into()).spawn(move || {
        for (door, reply) in errands {
            // Whoever asked may have gone away.
            let _ = reply.send(door.make(&home));
        }
    })?;
    Ok(PORTER.get_or_init(|| sender))
}

fn enter(namespace: &OwnedFd) -> io::Result<()> {
    let kind = Some(LinkNameSpaceType::Network);
    Ok(rustix::thread::move_into_link_name_space(namespace.as_fd(), kind)?)
}

fn tcp_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?)
}

/// Makes the two ends of a door and gives one to the service.
pub(crate) fn hand_out(to: &UnixStream) -> io::Result<UnixStream> {
    let (theirs, ours) = UnixStream::pair()?;
    send_descriptor(to, &theirs)?;
    Ok(ours)
}

/// Hands out a socket whenever one is asked for, until nobody is there to ask.
pub(crate) fn keep(mut door: &UnixStream) -> io::Result<()> {
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    // What was inherited is the program's now: its output ends when it does.
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    rustix::stdio::dup2_stderr(&null)?;
    let mut asked = [0];
    while door.read(&mut asked)? == 1 {
        send_descriptor(door, tcp_socket()?)?;
    }
    Ok(())
}

pub(crate) fn send_descriptor(to: &UnixStream, descriptor: impl AsFd) -> io::Result<()> {
    let descriptors = [descriptor.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(to, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives what [`send_descriptor`] sent.
pub(crate) fn receive_descriptor(from: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    rustix::net::recvmsg(from, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    let received = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    received.ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the keeper of the door is gone"))
}
