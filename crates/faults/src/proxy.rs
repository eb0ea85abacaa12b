//! Sits between a function and its store and makes calls fail.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use crate::{fault::Fault, message};

/// A call on its way to the store.
#[derive(Debug)]
pub struct ProxiedCall<'a> {
    /// The Data API's path, such as `/Execute`; otherwise the operation's name, such as `PutItem`.
    pub operation: &'a str,
    /// How many calls came before it since the last [`Proxy::plan`].
    pub nth: usize,
}

type ProxyPlan = Box<dyn FnMut(&ProxiedCall<'_>) -> Option<Fault> + Send>;

struct ProxyState {
    plan: ProxyPlan,
    calls: usize,
    faults: usize,
}

/// A running proxy. It stops when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<ProxyState>>,
    served: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy in front of the store at `store`. Initially it makes no call fail.
    pub async fn start(store: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(ProxyState {
            plan: Box::new(|_| None),
            calls: 0,
            faults: 0,
        }));
        let shared = Arc::clone(&state);
        let served = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    // A call that cannot be forwarded ends like one that was lost in the network.
                    let _ = serve(client, store, &state).await;
                });
            }
        });
        Self {
            address,
            state,
            served,
        }
    }

    /// Its URL, for an SDK's endpoint.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Uses `plan` for each call from now on; the counts start over.
    pub fn plan(&self, plan: impl FnMut(&ProxiedCall<'_>) -> Option<Fault> + Send + 'static) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = ProxyState {
            plan: Box::new(plan),
            calls: 0,
            faults: 0,
        };
    }

    /// Makes only call number `nth` from now fail, with the `fault` for its operation.
    pub fn fail_once(&self, nth: usize, fault: impl FnOnce(&str) -> Fault + Send + 'static) {
        let mut fault = Some(fault);
        self.plan(move |call| {
            if call.nth == nth {
                fault.take().map(|fault| fault(call.operation))
            } else {
                None
            }
        });
    }

    /// The number of calls, and of those that were made to fail, since the last plan.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (state.calls, state.faults)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.served.abort();
    }
}

fn next_fault(state: &Mutex<ProxyState>, operation: &str) -> Option<Fault> {
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    let call = ProxiedCall {
        operation,
        nth: state.calls,
    };
    state.calls += 1;
    let fault = (state.plan)(&call);
    state.faults += usize::from(fault.is_some());
    fault
}

/// Forwards the calls of one connection, one after another, until one fails.
///
/// Connections are reused, as those to AWS are. One per call would fill the kernel's table of recently closed
/// connections, and a full table loses calls by itself.
async fn serve(
    mut client: TcpStream,
    store: SocketAddr,
    state: &Mutex<ProxyState>,
) -> io::Result<()> {
    let mut upstream = TcpStream::connect(store).await?;
    client.set_nodelay(true)?;
    upstream.set_nodelay(true)?;
    loop {
        let mut next = [0];
        let request = tokio::select! {
            request = message::read(&mut client) => request?,
            // The store closes connections that have been idle for long.
            _ = upstream.peek(&mut next) => None,
        };
        let Some(request) = request else {
            return Ok(());
        };
        let fault = next_fault(state, request.operation());
        let request = request.bytes;
        match fault {
            None => {
                client
                    .write_all(&message::exchange(&mut upstream, &request).await?)
                    .await?
            }
            Some(Fault::Delay(delay)) => {
                let answer = message::exchange(&mut upstream, &request).await?;
                tokio::time::sleep(delay).await;
                client.write_all(&answer).await?;
            }
            Some(Fault::Silence) => {
                message::exchange(&mut upstream, &request).await?;
                // Until the client gives up.
                client.read_u8().await?;
            }
            Some(Fault::ResetRequest(byte)) => {
                upstream.write_all(&request[..byte % request.len()]).await?;
                return reset(upstream).and(reset(client));
            }
            Some(Fault::ResetAnswer(byte)) => {
                let answer = message::exchange(&mut upstream, &request).await?;
                client.write_all(&answer[..byte % answer.len()]).await?;
                return reset(client);
            }
            Some(Fault::TruncateAnswer(byte)) => {
                let answer = message::exchange(&mut upstream, &request).await?;
                client.write_all(&answer[..byte % answer.len()]).await?;
                return client.shutdown().await;
            }
            Some(Fault::Refuse {
                status,
                exception,
                message,
                done,
            }) => {
                if done {
                    message::exchange(&mut upstream, &request).await?;
                }
                client
                    .write_all(&message::refusal(status, exception, &message))
                    .await?;
                return client.shutdown().await;
            }
        }
    }
}

/// Closes a connection as a killed process does.
fn reset(stream: TcpStream) -> io::Result<()> {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO))
}
