//! The stores of the functions, over plain HTTP and over TLS. They replay the responses of the server's AWS endpoints
//! to the first call of each kind at once, so that the stores' own work, such as waiting for a disk, is not measured.

use std::{
    collections::HashMap,
    convert::Infallible,
    fs,
    io::{BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::messages::HttpMessage;
use crate::error::BenchError;

/// The files in which systems have all their certificate authorities: Debian, and Lambda's Amazon Linux.
const SYSTEM_BUNDLES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// The stores' addresses. They respond until the process ends.
pub(crate) struct ReplayedStores {
    pub(crate) url: String,
    pub(crate) tls_url: String,
    /// The system's certificate authorities, with the one for the TLS listener.
    pub(crate) bundle: PathBuf,
    _folder: TempDir,
}

impl ReplayedStores {
    /// Replays the responses of the endpoints at this address.
    pub(crate) fn like(address: String) -> Result<Self, BenchError> {
        let answers = Arc::new(FirstAnswers::of(address));
        let folder = tempfile::tempdir()?;
        let bundle = folder.path().join("bundle.pem");
        let (config, authority) = certificates()?;
        let system = SYSTEM_BUNDLES
            .iter()
            .find_map(|file| fs::read_to_string(file).ok())
            .unwrap_or_default();
        fs::write(&bundle, system + &authority)?;
        let plain = listen(Arc::clone(&answers), Ok)?;
        let config = Arc::new(config);
        let tls = listen(answers, move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config))?;
            Ok(StreamOwned::new(connection, stream))
        })?;
        Ok(Self {
            url: format!("http://127.0.0.1:{plain}"),
            tls_url: format!("https://localhost:{tls}"),
            bundle,
            _folder: folder,
        })
    }
}

/// A server for `localhost`, and its certificate authority in PEM.
fn certificates() -> Result<(ServerConfig, String), BenchError> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new([])?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = authority.self_signed(&authority_key)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(["localhost".to_owned()])?.signed_by(
        &key,
        &authority,
        &authority_key,
    )?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    Ok((config, authority.pem()))
}

/// Serves each connection on a separate thread. Returns the port.
fn listen<S: Read + Write>(
    answers: Arc<FirstAnswers>,
    accept: impl Fn(TcpStream) -> Result<S, BenchError> + Send + Sync + 'static,
) -> Result<u16, BenchError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let accept = Arc::new(accept);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (accept, answers) = (Arc::clone(&accept), Arc::clone(&answers));
            // A function that is killed breaks its connection.
            thread::spawn(move || {
                stream.set_nodelay(true)?;
                serve(BufReader::new(accept(stream)?), &answers)
            });
        }
    });
    Ok(port)
}

/// Responds until the connection ends.
fn serve<S: Read + Write>(
    mut connection: BufReader<S>,
    answers: &FirstAnswers,
) -> Result<Infallible, BenchError> {
    loop {
        let request = HttpMessage::read(&mut connection)?;
        let answer = answers.find(&request)?;
        connection.get_mut().write_all(&answer)?;
        connection.get_mut().flush()?;
    }
}

/// The responses to the first call of each kind.
struct FirstAnswers {
    /// Host and port of the endpoints.
    address: String,
    known: Mutex<HashMap<String, Arc<[u8]>>>,
}

impl FirstAnswers {
    fn of(address: String) -> Self {
        Self {
            address,
            known: Mutex::default(),
        }
    }

    /// The response to a call, from the endpoints the first time.
    fn find(&self, request: &HttpMessage) -> Result<Arc<[u8]>, BenchError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = kind(request);
        if let Some(answer) = known.get(&kind) {
            return Ok(Arc::clone(answer));
        }
        let mut endpoints = BufReader::new(TcpStream::connect(&self.address)?);
        endpoints.get_mut().write_all(&request.to_bytes())?;
        let answer = HttpMessage::read(&mut endpoints)?;
        if !answer.line.contains(" 200 ") {
            let body = String::from_utf8_lossy(&answer.body);
            return Err(format!("{kind}: the endpoints answered {}: {body}", answer.line).into());
        }
        let answer: Arc<[u8]> = answer.to_bytes().into();
        known.insert(kind, Arc::clone(&answer));
        Ok(answer)
    }
}

/// The kind of a call: its caller, since a transaction belongs to one, its operation and its SQL.
fn kind(request: &HttpMessage) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let authorization = request.header("authorization").unwrap_or_default();
    let caller = authorization.split('/').next().unwrap_or_default();
    let target = request.header("x-amz-target").unwrap_or_default();
    let sql = body["sql"].as_str().unwrap_or_default();
    format!("{caller} {} {target} {sql}", request.line)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio_rustls::rustls::{
        ClientConfig, ClientConnection, RootCertStore,
        pki_types::{CertificateDer, pem::PemObject as _},
    };

    use super::*;

    /// Endpoints that respond to each call with its number.
    fn endpoints() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let calls = AtomicUsize::new(0);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                HttpMessage::read(&mut stream).unwrap();
                let answer = HttpMessage {
                    line: "HTTP/1.1 200 OK".to_owned(),
                    headers: Vec::new(),
                    body: calls.fetch_add(1, Ordering::Relaxed).to_string().into(),
                };
                stream.get_mut().write_all(&answer.to_bytes()).unwrap();
            }
        });
        address
    }

    fn call(caller: &str, target: &str, body: &str) -> HttpMessage {
        HttpMessage {
            line: "POST / HTTP/1.1".to_owned(),
            headers: vec![
                format!("X-Amz-Target: {target}"),
                format!("Authorization: AWS4-HMAC-SHA256 Credential={caller}/20000101"),
            ],
            body: body.into(),
        }
    }

    fn answer(answers: &FirstAnswers, call: &HttpMessage) -> String {
        let answer = answers.find(call).unwrap();
        let body = HttpMessage::read(&mut &answer[..]).unwrap().body;
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn each_kind_of_call_reaches_the_endpoints_once() {
        let answers = FirstAnswers::of(endpoints());
        let calls = [
            call("a", "GetItem", r#"{"id":1}"#),
            call("a", "PutItem", ""),
            call("a", "", r#"{"sql":"SELECT 1"}"#),
            call("a", "", r#"{"sql":"SELECT 2"}"#),
            call("b", "", r#"{"sql":"SELECT 2"}"#),
        ];
        for _ in 0..2 {
            for (number, call) in calls.iter().enumerate() {
                assert_eq!(answer(&answers, call), number.to_string());
            }
        }
        assert_eq!(answer(&answers, &call("a", "GetItem", r#"{"id":2}"#)), "0");
    }

    fn assert_answers(connection: impl Read + Write) {
        let mut connection = BufReader::new(connection);
        for _ in 0..2 {
            let call = call("a", "GetItem", "{}").to_bytes();
            connection.get_mut().write_all(&call).unwrap();
            assert_eq!(HttpMessage::read(&mut connection).unwrap().body, b"0");
        }
    }

    #[test]
    fn calls_are_answered_over_plain_http_and_over_tls() {
        let stores = ReplayedStores::like(endpoints()).unwrap();
        let address = stores.url.strip_prefix("http://").unwrap();
        assert_answers(TcpStream::connect(address).unwrap());
        let mut roots = RootCertStore::empty();
        for root in CertificateDer::pem_file_iter(&stores.bundle).unwrap() {
            roots.add(root.unwrap()).unwrap();
        }
        let config = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let address = stores.tls_url.strip_prefix("https://").unwrap();
        assert_answers(StreamOwned::new(tls, TcpStream::connect(address).unwrap()));
    }
}
