//! The words that a handshake leaves, and those of a network.

use tonic::ConnectError;

use super::{is_closed, is_connect, is_handshake, is_refused_handshake, root_cause};

#[test]
fn a_refused_handshake_is_told_from_one_that_was_cut_short() {
    let refused = [
        "invalid peer certificate: UnknownIssuer",
        "invalid peer certificate: certificate not valid for name \"a\"",
        "received fatal alert: CertificateRequired",
        "received fatal alert: HandshakeFailure",
        "received corrupt message of type InvalidContentType",
        "HTTP/2 was not negotiated.",
    ];
    for cause in refused {
        assert!(is_refused_handshake(cause) && is_handshake(cause), "{cause}");
    }
    for cause in ["tls handshake eof", "TLS handshake timeout."] {
        assert!(!is_refused_handshake(cause) && is_handshake(cause), "{cause}");
    }
    for cause in ["Connection refused (os error 111)", "connection closed", "deadline has elapsed", ""] {
        assert!(!is_handshake(cause), "{cause}");
    }
    assert!(is_closed("stream closed because of a broken pipe") && !is_closed("Connection refused"));
}

#[test]
fn the_innermost_words_are_told() {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let error = ConnectError(Box::new(refused));
    assert!(is_connect(&error));
    assert_eq!(root_cause(&error), "connection refused");
    assert!(!is_connect(&std::io::Error::other("x")));
}
