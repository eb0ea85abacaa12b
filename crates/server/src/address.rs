//! Addresses to listen on, as people write them.

use std::net::{Ipv4Addr, SocketAddr};

/// Parses an address: an IP address with a port, or a port on loopback as `3000`, `:3000` or `localhost:3000`.
pub(crate) fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text
        .strip_prefix("localhost:")
        .or_else(|| text.strip_prefix(':'))
        .unwrap_or(text);
    // Parsing a number would accept a sign too.
    if port.bytes().all(|byte| byte.is_ascii_digit())
        && let Ok(port) = port.parse()
    {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    text.parse().map_err(|_| {
        "it must be an IP address and a port, like 0.0.0.0:3000, or a port of this machine, like 3000 or localhost:3000"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        for text in ["3000", ":3000", "localhost:3000", "127.0.0.1:3000"] {
            assert_eq!(
                address(text).map(|address| address.to_string()).as_deref(),
                Ok("127.0.0.1:3000"),
                "{text}"
            );
        }
        for text in ["0.0.0.0:80", "[::1]:3000", "[::]:0"] {
            assert_eq!(address(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":",
            "localhost",
            "127.0.0.1",
            "65536",
            "+80",
            ":+80",
            "localhost:x",
            "example.com:80",
            "[::1]",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
